"""What the package offers."""

import inspect

import vddk_bindings


def test_every_public_name_exists_and_the_list_is_sorted_by_the_linter() -> None:
    assert all(hasattr(vddk_bindings, name) for name in vddk_bindings.__all__)
    assert len(set(vddk_bindings.__all__)) == len(vddk_bindings.__all__)


def test_classes_imported_for_users_are_all_listed() -> None:
    public = {
        name
        for name, value in vars(vddk_bindings).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("vddk_bindings.")
    }

    assert public <= set(vddk_bindings.__all__)


def test_public_classes_and_functions_are_documented() -> None:
    values = {name: getattr(vddk_bindings, name) for name in vddk_bindings.__all__}
    documentable = {
        name: value for name, value in values.items() if inspect.isclass(value) or inspect.isroutine(value)
    }

    assert len(documentable) > 40
    assert [name for name, value in documentable.items() if not (value.__doc__ or "").strip()] == []
