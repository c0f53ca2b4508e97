package frozen

import (
	"bytes"
	"errors"
	"io"
	"os"

	"keepline.org/simulators/vcenter/internal/sparse"
)

const (
	compareBytes = 4 << 10
	chunkBytes   = 1 << 20
)

// Replace gives the disk the content of image, as long as capacity, and writes only the 4 KiB pieces that differ.
// changed is told each run of pieces written.
func (w *Writer) Replace(image *os.File, capacity int64, changed func(offset, length int64)) error {
	wanted, present := make([]byte, chunkBytes), make([]byte, chunkBytes)
	for offset := int64(0); ; offset += chunkBytes {
		next, err := sparse.NextData(offset, capacity, image, w.flat)
		if err != nil || next >= capacity {
			return err
		}
		offset = max(offset, next/chunkBytes*chunkBytes)
		length := min(chunkBytes, capacity-offset)
		if err := readFull(image, wanted[:length], offset); err != nil {
			return err
		}
		if err := readFull(w.flat, present[:length], offset); err != nil {
			return err
		}
		for _, run := range differing(wanted[:length], present[:length]) {
			if err := w.put(wanted[run[0]:run[1]], offset+int64(run[0])); err != nil {
				return err
			}
			changed(offset+int64(run[0]), int64(run[1]-run[0]))
		}
	}
}

func (w *Writer) put(content []byte, offset int64) error {
	if isZero(content) {
		return w.Zero(offset, int64(len(content)))
	}
	_, err := w.WriteAt(content, offset)
	return err
}

// differing lists the runs [first, end) of pieces in which a and b, equally long, differ.
func differing(a, b []byte) [][2]int {
	var runs [][2]int
	if bytes.Equal(a, b) {
		return nil
	}
	for first := 0; first < len(a); first += compareBytes {
		end := min(first+compareBytes, len(a))
		if bytes.Equal(a[first:end], b[first:end]) {
			continue
		}
		if last := len(runs) - 1; last >= 0 && runs[last][1] == first {
			runs[last][1] = end
		} else {
			runs = append(runs, [2]int{first, end})
		}
	}
	return runs
}

// readFull fills content from offset; bytes after the file's end are zeros.
func readFull(file *os.File, content []byte, offset int64) error {
	count, err := file.ReadAt(content, offset)
	if errors.Is(err, io.EOF) {
		clear(content[count:])
		return nil
	}
	return err
}
