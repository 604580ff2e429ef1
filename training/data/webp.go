package data

import "image"

// webp converts the planes of a lossy WebP file to RGB, [height, width, 3], as libwebp does: chroma
// mixes the four nearest samples by 9, 3, 3 and 1, and luminance has the range 16 to 235.
func webp(img *image.YCbCr) []byte {
	h, w := img.Rect.Dy(), img.Rect.Dx()
	pix := make([]byte, 0, 3*h*w)
	for y := range h {
		near := y / 2 * img.CStride
		far := min(max(y/2-1+y%2*2, 0), (h-1)/2) * img.CStride
		for x := range w {
			side := min(max(x/2-1+x%2*2, 0), (w-1)/2)
			mix := func(c []byte) int {
				a, b := int(c[near+x/2]), int(c[near+side])
				d, e := int(c[far+x/2]), int(c[far+side])
				if side == x/2 { // at the left or right edge
					return (3*a + d + 2) >> 2
				}
				// libwebp rounds the mean of both diagonals first.
				return (a + (a+b+d+e+2*(b+d)+8)>>3) >> 1
			}
			l := 19077 * int(img.Y[y*img.YStride+x]) >> 8
			u, v := mix(img.Cb), mix(img.Cr)
			for _, c := range [3]int{
				l + 26149*v>>8 - 14234,
				l - 6419*u>>8 - 13320*v>>8 + 8708,
				l + 33050*u>>8 - 17685,
			} {
				pix = append(pix, byte(min(max(c>>6, 0), 255)))
			}
		}
	}
	return pix
}
