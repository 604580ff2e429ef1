package countlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/lipsmooth/lipsmooth/rs"
)

// file is what a Writer needs of an *os.File opened for appending.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// syncEvery is the time between two syncs by Append. A power cut loses the rows of the last second
// and the row in progress.
const syncEvery = time.Second

// Writer appends rows to a run's folder. It is not for concurrent use.
type Writer struct {
	*parser
	path string
	f    file
	info fs.FileInfo // of f
	extent
	synced  extent // is on disk
	sums    rowSums
	sealed  *Seal // as it is on disk, nil where there is none
	checked bool  // the rows that were there, with the seal that was there
	begun   int   // rows that were there
	at      time.Time
	seen    []bool // by position in the plan
	dropped error
	renamed string
	made    []string // folders that Create made, from within
	fresh   bool     // Create made the table
	wrote   bool     // Create made run.json
	err     error    // of a write or a sync, final
	cut     bool     // to synced
	buf     []byte
}

// extent is how much of a counts file there is.
type extent struct {
	size  int64 // bytes of complete lines
	count int   // rows
}

// Create opens a folder to write the run in. It makes the folder where there is none. Create
// continues a folder that holds the same run. Created, versions and names may differ. Create cuts
// off a last line that is torn or damaged ([Writer.Dropped]). [Writer.Has] knows the rows that are
// there. Create refuses rows and settings that differ from their [Seal]. Where rows were deleted,
// the rows are compared when as many are there again. Create refuses a folder with a run of other
// settings, unless that run has no row: a start that failed blocks no other run. Tuning images
// belong to the run in whose folder they are. The folder is locked until Close or the end of the
// process. A second writer is refused.
func Create(dir string, r Run) (w *Writer, err error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if r.Versions = maps.Clone(r.Versions); r.Versions == nil {
		r.Versions = map[string]string{}
	}
	if r.Versions[own] == "" {
		r.Versions[own] = version.String()
	}
	r.Sealed = true
	made, err := makeDir(dir)
	if err != nil {
		return nil, err
	}
	w = &Writer{path: filepath.Join(dir, CountsFile), made: made}
	_, err = os.Stat(w.path)
	w.fresh = errors.Is(err, fs.ErrNotExist)
	f, err := openLocked(w.path)
	if err != nil {
		w.unmake()
		return nil, err
	}
	w.f = f
	if err = w.begin(dir, r, f); err == nil {
		err = w.Sync()
	}
	if err != nil {
		w.unmake()
		f.Close()
		return nil, err
	}
	return w, nil
}

// own names the version of lipsmooth in Run.Versions.
const own = "lipsmooth"

// begin writes run.json, or checks that which is there, and reads the rows.
func (w *Writer) begin(dir string, r Run, f *os.File) (err error) {
	if w.info, err = f.Stat(); err != nil {
		return err
	}
	there, err := ReadRun(dir)
	switch {
	case err == nil:
		if d := difference(there, r); d == "" {
			w.renamed, r = Renamed(there, r), there
			break
		} else if rows, err := hasRow(dir); err != nil || rows && !ofNoRun(dir) {
			return errors.Join(err, fmt.Errorf("%s holds another run: %s", dir, d))
		}
		if err := errors.Join(f.Truncate(0), os.RemoveAll(filepath.Join(dir, TuningFolder)),
			os.RemoveAll(filepath.Join(dir, SealFile)), r.write(dir)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case w.info.Size() > 0:
		return fmt.Errorf("%s holds rows, but no %s says of which run", dir, RunFile)
	default:
		if err := r.write(dir); err != nil {
			return err
		}
		w.wrote = true
	}
	// Of processes that were killed before a file had its name.
	for _, name := range []string{RunFile, CountsFile, SealFile} {
		left, _ := fs.Glob(os.DirFS(dir), "."+name+"-*")
		for _, name := range left {
			os.Remove(filepath.Join(dir, name))
		}
	}
	// Both names are on disk before a row is.
	if err := syncDir(dir); err != nil {
		return err
	}
	if w.sealed, err = readSeal(dir); err != nil {
		return err
	}
	w.parser = newParser(&r)
	return w.resume(f)
}

// hasRow reports whether a folder's table has a line below the column names, torn or not.
func hasRow(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, CountsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := bufio.NewReader(f)
	if _, err := b.ReadString('\n'); err == nil {
		_, err = b.ReadByte()
		return err == nil, nil
	}
	return false, nil
}

// ofNoRun reports whether a folder is that of tuning images, of a run without a row.
func ofNoRun(dir string) bool {
	if filepath.Base(dir) != TuningFolder {
		return false
	}
	rows, err := hasRow(filepath.Dir(dir))
	return err == nil && !rows
}

// ReadBegun is ReadRun for a run that has a row. Its error wraps os.ErrNotExist where there is no
// row. So the rest of a start that failed doesn't count as a run.
func ReadBegun(dir string) (Run, error) {
	rows, err := hasRow(dir)
	if err == nil && !rows || ofNoRun(dir) {
		err = fmt.Errorf("%s: no row: %w", dir, fs.ErrNotExist)
	}
	if err != nil {
		return Run{}, err
	}
	return ReadRun(dir)
}

// unmake takes away what Create made.
func (w *Writer) unmake() {
	if w.wrote {
		os.Remove(filepath.Join(filepath.Dir(w.path), RunFile))
		os.Remove(filepath.Join(filepath.Dir(w.path), SealFile))
	}
	if w.fresh || w.wrote { // without rows the counts say nothing, whoever made the file
		os.Remove(w.path)
	}
	for _, dir := range w.made { // where nothing else is in them
		if os.Remove(dir) != nil {
			return
		}
	}
}

// makeDir is os.MkdirAll, on disk. It returns the folders that weren't there, from within.
func makeDir(dir string) (made []string, err error) {
	for d := filepath.Clean(dir); d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return made, err
	}
	for _, d := range made {
		if err := syncDir(filepath.Dir(d)); err != nil {
			return made, err
		}
	}
	return made, nil
}

// syncDir has the operating system put the names in a folder on disk, where it can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // which has no such call
		return nil
	}
	d, err := os.Open(dir)
	if err == nil {
		defer d.Close()
		err = d.Sync()
	}
	// Some folders can take names and can't be read, and some network file systems have no such
	// call.
	for _, cannot := range []error{fs.ErrPermission, syscall.EINVAL, errors.ErrUnsupported} {
		if errors.Is(err, cannot) {
			return nil
		}
	}
	return err
}

// resume reads what is there, cuts off a bad last line and writes the header where there is none.
func (w *Writer) resume(f *os.File) error {
	s := newScanner(f, w.path, w.parser)
	for {
		_, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if !s.last || s.line == 1 && !errors.Is(err, ErrTorn) || errors.Is(err, errTwice) {
				return err
			}
			w.dropped = err
			if err := f.Truncate(s.end); err != nil {
				return fmt.Errorf("%w; dropping it: %w", w.dropped, err)
			}
			if _, err := f.Seek(s.end, io.SeekStart); err != nil { // for systems without O_APPEND
				return err
			}
			break
		}
		w.count++
	}
	w.size, w.seen, w.sums, w.begun = s.end, s.seen, s.sums, w.count
	if w.size == 0 {
		return w.write([]byte(w.header + "\n"))
	}
	return nil
}

// Run returns the run as the folder has it.
func (w *Writer) Run() Run { return *w.run }

// Count returns the number of rows in the folder.
func (w *Writer) Count() int { return w.count }

// Has reports whether the folder has the row of an example.
func (w *Writer) Has(index int) bool {
	at := w.run.Examples.Position(index)
	return at >= 0 && w.seen[at]
}

// Dropped returns the error of a last line that Create cut off, or nil.
func (w *Writer) Dropped() error { return w.dropped }

// Renamed lists the names that differ between the folder's run and the run of Create. It is empty
// where no name differs.
func (w *Writer) Renamed() string { return w.renamed }

// Append writes the row of an example in one piece. It syncs where the last sync was a second ago
// or more. It refuses evidence that doesn't fit the run: totals, classes, edges, σ, an index
// outside the plan, or an index that has a row. After a failed write, such as on a full disk, the
// complete lines are kept. After a failed sync, the lines that are on disk are kept. Every later
// Append returns the same error.
func (w *Writer) Append(e *rs.Evidence) error {
	if w.err != nil {
		return w.err
	}
	line, err := w.line(w.buf[:0], e)
	w.buf = line
	if err == nil && w.Has(e.Index) {
		err = errTwice
	}
	if err != nil {
		return fmt.Errorf("%s: example %d: %w", w.path, e.Index, err)
	}
	if err := w.write(line); err != nil {
		return err
	}
	w.sums.add(e.Index, line[:len(line)-1], w.size-int64(len(line)))
	w.seen[w.run.Examples.Position(e.Index)] = true
	w.count++
	if time.Since(w.at) >= syncEvery {
		if err := w.Sync(); w.err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) write(line []byte) error {
	n, err := w.f.Write(line)
	if err == nil {
		w.size += int64(n)
		return nil
	}
	// A reader of what stays of the line, if anything does, takes it for torn.
	w.f.Truncate(w.size)
	return w.fail("writing", err)
}

// fail makes err the error of every later Append.
func (w *Writer) fail(doing string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	w.err = fmt.Errorf("%s: %s: %w (its %d complete rows are kept; sample again to go on)", w.path,
		doing, err, w.count)
	return w.err
}

// Sync makes the operating system put the rows on disk. Where that fails, Sync cuts off the rows
// since the last sync, and a rerun draws them again. The system may have lost any of these rows,
// and a second sync would not report that.
func (w *Writer) Sync() error {
	if w.cut {
		return w.err
	}
	if err := w.f.Sync(); err != nil {
		w.f.Truncate(w.synced.size)
		w.cut, w.extent, w.sums = true, w.synced, w.sums[:w.synced.count]
		return w.fail("putting rows on disk", err)
	}
	if there, err := os.Stat(w.path); err != nil || !os.SameFile(there, w.info) {
		w.cut, w.err = true, fmt.Errorf("%s: gone, or another file, since sampling began; its "+
			"rows are lost: sample again", w.path)
		return w.err
	}
	w.synced, w.at = w.extent, time.Now()
	failed := w.err
	if err := w.seal(); err != nil && failed == nil {
		if !w.checked { // the rows that were there; else the seal couldn't be written, yet
			w.err = err
		}
		return err
	}
	return nil
}

// Close puts the rows on disk and unlocks the folder. It doesn't repeat an error of Append or Sync.
// Close puts the rows of a run that Create went on with in the order of the plan. Where no row was
// written, Close removes what Create made.
func (w *Writer) Close() error {
	var err error
	switch {
	case w.wrote && w.count == 0:
		w.unmake()
	case !w.cut:
		err = w.Sync()
	}
	if w.begun == 0 || w.sums.ordered() || w.err != nil || w.sealed == nil {
		return errors.Join(err, w.f.Close())
	}
	// Windows gives no open file's name to another; elsewhere the lock holds until the file is closed.
	if runtime.GOOS == "windows" {
		if err := w.f.Close(); err != nil {
			return err
		}
		return w.order()
	}
	return errors.Join(w.order(), w.f.Close())
}

// Abandon closes a run that failed to begin, and takes it back: the files and folders that Create
// made are gone again, rows and all. A run that Create went on with stays, as by Close.
func (w *Writer) Abandon() error {
	if !w.wrote {
		return w.Close()
	}
	// Not before the file is closed on Windows, and not after it elsewhere, where the lock holds.
	if runtime.GOOS == "windows" {
		defer w.unmake()
	} else {
		w.unmake()
	}
	return w.f.Close()
}
