// Command vcenter-simulator is a vCenter in one process, for tests of backup products: govmomi's simulator plus change
// tracking, frozen snapshots, faults and a control channel. It listens on loopback addresses only.
package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"keepline.org/simulators/vcenter/internal/config"
	"keepline.org/simulators/vcenter/internal/vcenter"
)

// startLine is what the program prints when it is ready.
type startLine struct {
	URL              string `json:"url"`
	Control          string `json:"control"`
	Gate             string `json:"gate"`
	ThumbprintSHA1   string `json:"thumbprint_sha1"`
	ThumbprintSHA256 string `json:"thumbprint_sha256"`
	CertificatePEM   string `json:"certificate_pem"`
	PID              int    `json:"pid"`
}

func main() {
	name := flag.String("config", "vcenter.json", "file that describes the vCenter")
	exitWithStdin := flag.Bool("exit-with-stdin", false, "end when standard input is closed")
	flag.Parse()
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	if err := run(*name, *exitWithStdin); err != nil {
		fmt.Fprintln(os.Stderr, "vcenter-simulator:", err)
		os.Exit(1)
	}
}

func run(name string, exitWithStdin bool) error {
	settings, err := config.Read(name)
	if err != nil {
		return err
	}
	if err := useOwnTemporaryFolder(settings.Folder); err != nil {
		return err
	}
	certificate, err := config.Certificate(settings.TLSFolder)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", settings.Control)
	if err != nil {
		return err
	}
	gate, err := net.Listen("tcp", settings.Gate)
	if err != nil {
		return err
	}
	if err := probe(settings.Listen); err != nil {
		return err
	}
	lab, err := vcenter.New(settings, certificate)
	if err != nil {
		return err
	}
	defer lab.Close()
	url, closeAPI := lab.Serve()
	defer closeAPI()
	go lab.ServeGate(gate)
	server := &http.Server{Handler: lab.ControlHandler(), ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.Serve(control); !errors.Is(err, http.ErrServerClosed) {
			log.Print(err)
		}
	}()
	defer server.Close()
	stop := stopSignal(exitWithStdin)
	lab.OnShutdown(func() { stop <- syscall.SIGTERM })
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	err = json.NewEncoder(os.Stdout).Encode(startLine{
		url, "http://" + control.Addr().String(), gate.Addr().String(), lab.ThumbprintSHA1(), lab.ThumbprintSHA256(),
		string(chain), os.Getpid(),
	})
	if err == nil {
		<-stop
	}
	return err
}

// useOwnTemporaryFolder keeps what govmomi's simulator leaves behind, when it is killed, within the lab.
func useOwnTemporaryFolder(lab string) error {
	folder := filepath.Join(lab, "state", "temporary")
	return errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700), os.Setenv("TMPDIR", folder))
}

// probe tells early and clearly that an address cannot be had: the simulator's server would panic.
func probe(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}

func stopSignal(exitWithStdin bool) chan os.Signal {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	if exitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop <- syscall.SIGTERM
		}()
	}
	return stop
}
