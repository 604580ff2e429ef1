package data

// File returns the path of image i within its folder or archive, and nothing where the dataset has
// no file for each image.
func (d *Dataset) File(i int) string {
	if e, ok := d.source.(*imageFiles); ok {
		return e.names[i]
	}
	return ""
}
