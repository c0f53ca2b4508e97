"""What a client must not do: each function breaks one rule, and the library ends the process for it."""

from __future__ import annotations

import ctypes as c
import os
import sys
import threading
import time

from plain_client import COMPLETION, LOG, Client, Parameters, from_arguments


def call_before_init(client: Client) -> None:
    client.call("ListTransportModes")


def call_after_exit(client: Client) -> None:
    client.init()
    client.call("Exit")
    client.connect()


def init_twice(client: Client) -> None:
    client.init()
    client.init()


def exit_with_open_disk(client: Client) -> None:
    client.ready()
    client.call("Exit")


def own_parameters(client: Client) -> None:
    client.init()
    client.connect(
        Parameters(vmx=b"moref=vm-1", server=b"127.0.0.1", credentials=1, user=b"u", password=b"p")
    )


def cleared_parameters(client: Client) -> None:
    client.init()
    params = client.parameters()
    c.memset(c.byref(params), 0, c.sizeof(params))
    client.connect(params)


def no_server(client: Client) -> None:
    client.init()
    params = client.parameters()
    params.server = None
    client.connect(params)


def no_password(client: Client) -> None:
    client.init()
    params = client.parameters()
    params.password = None
    client.connect(params)


def no_machine(client: Client) -> None:
    client.init()
    params = client.parameters()
    params.vmx = None
    client.connect(params)


def free_parameters_while_connected(client: Client) -> None:
    client.ready()
    client.call("FreeConnectParams", c.byref(client.params))


def change_borrowed_string(client: Client) -> None:
    client.init()
    params = client.parameters()
    server = c.create_string_buffer(b"127.0.0.1")
    params.server = c.cast(server, c.c_char_p)
    client.connect(params)
    server.value = b"10.0.0.1"
    client.open()


def free_parameters_twice(client: Client) -> None:
    params = client.parameters()
    address = c.c_void_p(c.addressof(params))
    client.call("FreeConnectParams", address)
    client.call("FreeConnectParams", address)


def read_after_close(client: Client) -> None:
    client.ready()
    client.call("Close", client.disk)
    client.read(0, 1)


def open_after_disconnect(client: Client) -> None:
    client.init()
    client.connect()
    client.call("Disconnect", client.connection)
    client.open()


def disconnect_with_open_disk(client: Client) -> None:
    client.ready()
    client.call("Disconnect", client.connection)


def handle_cut_to_32_bits(client: Client) -> None:
    client.ready()
    client.call("Close", c.c_uint64((client.disk.value or 0) & 0xFFFFFFFF))


def connection_as_handle(client: Client) -> None:
    client.ready()
    client.read(0, 1, client.connection)


def null_handle(client: Client) -> None:
    client.ready()
    client.read(0, 1, c.c_void_p(0))


def null_buffer(client: Client) -> None:
    client.ready()
    client.call("Read", client.disk, c.c_uint64(0), c.c_uint64(1), None)


def null_path(client: Client) -> None:
    client.init()
    client.connect()
    client.call("Open", client.connection, None, c.c_uint32(4), c.byref(c.c_void_p()))


def free_information_twice(client: Client) -> None:
    client.ready()
    address = c.c_void_p(c.addressof(client.information()))
    client.call("FreeInfo", address)
    client.call("FreeInfo", address)


def free_text_of_another(client: Client) -> None:
    text = c.create_string_buffer(b"not the library's")
    client.call("FreeErrorText", text)


def fork_after_init(client: Client) -> None:
    client.ready()
    child = os.fork()
    if child == 0:
        client.read(0, 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    os.kill(os.getpid(), os.WTERMSIG(status))


def call_from_log_function(client: Client) -> None:
    log = LOG(lambda _format, _arguments: client.call("ListTransportModes") and None)
    client.call("InitEx", 6, 5, log, log, log, str(client.folder).encode(), None)
    time.sleep(10)


def call_from_completion(client: Client) -> None:
    client.ready()
    buffer = c.create_string_buffer(512)
    callback = COMPLETION(lambda _data, _result: client.call("GetTransportMode", client.disk) and None)
    client.call("ReadAsync", client.disk, c.c_uint64(0), c.c_uint64(1), buffer, callback, None)
    client.call("Wait", client.disk)


def close_with_outstanding_request(client: Client) -> None:
    client.ready()
    buffer = c.create_string_buffer(512)
    callback = COMPLETION(lambda _data, _result: None)
    client.call("ReadAsync", client.disk, c.c_uint64(0), c.c_uint64(1), buffer, callback, None)
    client.call("Close", client.disk)


def _in_thread(function: str, *arguments: object, client: Client) -> threading.Thread:
    thread = threading.Thread(target=lambda: client.call(function, *arguments))
    thread.start()
    return thread


def two_reads_on_one_handle(client: Client) -> None:
    client.ready()
    numbers = (c.c_uint64(0), c.c_uint64(1))
    _in_thread("Read", client.disk, *numbers, c.create_string_buffer(512), client=client)
    time.sleep(0.3)
    client.read(0, 1)


def open_during_open(client: Client) -> None:
    client.ready()
    path = client.path.encode()
    for _ in range(2):
        _in_thread("Open", client.connection, path, c.c_uint32(4), c.byref(c.c_void_p()), client=client)
        time.sleep(0.3)


def open_on_another_thread(client: Client) -> None:
    client.init()
    client.connect()
    thread = threading.Thread(target=client.open)
    thread.start()
    thread.join()


def query_on_another_thread(client: Client) -> None:
    client.ready()
    thread = threading.Thread(target=client.blocks, args=(0, 128, 128))
    thread.start()
    thread.join()


def init_on_another_thread(client: Client) -> None:
    thread = threading.Thread(target=client.init)
    thread.start()
    thread.join()


def read_normally(client: Client) -> None:
    client.ready()
    client.read(0, 1)


def read_beyond_old_information(client: Client) -> None:
    client.ready()
    print(client.information().logical)


if __name__ == "__main__":
    globals()[sys.argv[1]](from_arguments())
