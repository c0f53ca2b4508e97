package sparse

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Clone gives destination the content of source: as a reflink where the file system can, else by copying the data
// ranges only.
func Clone(destination, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(destination), 0o700); err != nil {
		return err
	}
	out, err := os.Create(destination)
	if err != nil {
		return err
	}
	if reflink(out, in) != nil {
		err = copyData(out, in)
	}
	return errors.Join(err, out.Close())
}

// Move renames source to destination, or clones and removes it when they lie on two file systems.
func Move(destination, source string) error {
	err := os.Rename(source, destination)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	if err := Clone(destination, source); err != nil {
		return err
	}
	return os.Remove(source)
}

func reflink(out, in *os.File) error {
	const ficlone = 0x40049409 // FICLONE of ioctl_ficlone(2)
	_, _, code := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), ficlone, in.Fd())
	if code != 0 {
		return code
	}
	return nil
}

func copyData(out, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := out.Truncate(info.Size()); err != nil {
		return err
	}
	return DataRanges(in, info.Size(), func(offset, length int64) error {
		if _, err := in.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		_, err := io.CopyN(out, in, length) // copy_file_range(2) underneath
		return err
	})
}
