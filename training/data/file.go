package data

// File returns the path of image i within its folder or archive; empty for a dataset that keeps no
// file an image.
func (d *Dataset) File(i int) string {
	if e, ok := d.source.(*imageFiles); ok {
		return e.names[i]
	}
	return ""
}
