package export

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// kernel of a convolution, [h, w, in, out] of one group.
type kernel struct {
	h, w, in, out int
	values        []float32
}

// square is the kernel of side k of an effective weight.
func square(k, in, out int, values []float32) kernel { return kernel{k, k, in, out, values} }

// adjoint is the kernel of the transposed convolution.
func (k kernel) adjoint() kernel {
	t := kernel{k.h, k.w, k.out, k.in, make([]float32, len(k.values))}
	for p := range k.h * k.w {
		for a := range k.in {
			for b := range k.out {
				t.values[((k.h*k.w-1-p)*k.out+b)*k.in+a] = k.values[(p*k.in+a)*k.out+b]
			}
		}
	}
	return t
}

// unfold turns a kernel for the image after space to depth into a kernel at this stride.
func (k kernel) unfold(stride int) kernel {
	if stride == 1 {
		return k
	}
	u := kernel{k.h * stride, k.w * stride, k.in / (stride * stride), k.out,
		make([]float32, len(k.values))}
	row := u.in * k.out
	for y := range u.h {
		for x := range u.w {
			from := ((y/stride*k.w+x/stride)*stride*stride + y%stride*stride + x%stride) * row
			copy(u.values[(y*u.w+x)*row:][:row], k.values[from:])
		}
	}
	return u
}

// kernel adds the initializer [groups·out, in, h, w] of kernels, one a group.
func (g *graph) kernel(what string, groups ...kernel) string {
	k := groups[0]
	values := make([]float32, 0, len(groups)*len(k.values))
	for _, k := range groups {
		for o := range k.out {
			for i := range k.in {
				for p := range k.h * k.w {
					values = append(values, k.values[(p*k.in+i)*k.out+o])
				}
			}
		}
	}
	return g.weight(what, values, len(groups)*k.out, k.in, k.h, k.w)
}

// taps has the position of a kernel on its input: the rows and columns before and after a place,
// and the distance of the places.
type taps struct {
	before, after [2]int
	stride        int
	zero          bool // beyond the borders are zeros, not the other side
}

// centred taps of a kernel of odd side k.
func centred(k, stride int, padding string) taps {
	return taps{[2]int{k / 2, k / 2}, [2]int{k / 2, k / 2}, stride, padding == lip.Zero}
}

// conv adds a convolution with an initializer as kernel returns it, and a bias unless that is "".
func (g *graph) conv(x, kernel, bias string, t taps, groups int) string {
	attributes := []attribute{{"strides", []int{t.stride, t.stride}}}
	if groups > 1 {
		attributes = append(attributes, attribute{"group", groups})
	}
	if t.before != [2]int{} || t.after != [2]int{} {
		if t.zero {
			attributes = append(attributes, attribute{"pads",
				[]int{t.before[0], t.before[1], t.after[0], t.after[1]}})
		} else {
			pads := g.indices("border", 0, 0, t.before[0], t.before[1], 0, 0, t.after[0],
				t.after[1])
			x = g.op("Pad", []string{x, pads}, attribute{"mode", "wrap"})
		}
	}
	inputs := []string{x, kernel}
	if bias != "" {
		inputs = append(inputs, bias)
	}
	return g.op("Conv", inputs, attributes...)
}

func (g *graph) convolution(c lip.Convolution, x string, w [][]float32, in lip.Size) (string,
	error) {
	stride, groups := max(c.Stride, 1), max(c.Groups, 1)
	inner, outer := in[2]/groups, c.Channels/groups
	bias := w[groups]
	each := func(kernel func(values []float32) kernel) (kernels []kernel) {
		for _, values := range w[:groups] {
			kernels = append(kernels, kernel(values))
		}
		return kernels
	}
	switch c.Kind {
	case "aol", "bcop", "free", "rko", "spectral":
		kernels := each(func(v []float32) kernel { return square(c.Kernel, inner, outer, v) })
		return g.conv(x, g.kernel("kernel", kernels...), g.weight("bias", bias, c.Channels),
			centred(c.Kernel, stride, c.Padding), groups), nil
	case "bro", "cayley": // a kernel as large as the image, behind space to depth
		rows, columns := in[0]/stride, in[1]/stride
		kernels := each(func(v []float32) kernel {
			return kernel{rows, columns, stride * stride * inner, outer, v}.unfold(stride)
		})
		t := taps{stride: stride}
		for a, n := range [2]int{rows, columns} {
			t.before[a], t.after[a] = n/2*stride, (n-1-n/2)*stride
		}
		return g.conv(x, g.kernel("kernel", kernels...), g.weight("bias", bias, c.Channels), t,
			groups), nil
	case "soc":
		return g.soc(c, x, w[:groups], bias, inner), nil
	}
	return "", fmt.Errorf("convolutions of kind %q have no form in ONNX here", c.Kind)
}

// soc is Σ Lⁿx/n!, n < SOCTerms, for the skew convolution L of each group, after space to depth.
func (g *graph) soc(c lip.Convolution, x string, skew [][]float32, bias []float32,
	inner int) string {
	stride, groups := max(c.Stride, 1), len(skew)
	inner *= stride * stride
	outer := c.Channels / groups
	n := max(inner, outer)
	parts := []string{x}
	if groups > 1 {
		parts = g.split(x, groups)
	}
	for i, x := range parts {
		if stride > 1 {
			x = g.op("SpaceToDepth", []string{x}, attribute{"blocksize", stride})
		}
		if inner < n {
			x = g.op("Pad", []string{x, g.indices("channels_added", 0, 0, 0, 0, 0, n-inner, 0,
				0)}) // zeros
		}
		kernel := g.kernel("skew_kernel", square(c.Kernel, n, n, skew[i]))
		sum, power := x, x
		for term := 1; term < lip.SOCTerms; term++ {
			power = g.conv(power, kernel, "", centred(c.Kernel, 1, c.Padding), 1)
			if term > 1 {
				power = g.op("Div", []string{power, g.number("term", float32(term))})
			}
			sum = g.op("Add", []string{sum, power})
		}
		if outer < n {
			sum = g.channels(sum, 0, outer)
		}
		parts[i] = sum
	}
	if groups > 1 {
		x = g.concat(parts)
	} else {
		x = parts[0]
	}
	return g.op("Add", []string{x, g.weight("bias", bias, c.Channels, 1, 1)})
}

func (g *graph) residual(r lip.Residual, x string, w [][]float32, in lip.Size) string {
	bias := g.weight("bias", w[1], r.Inner)
	if len(in) == 1 { // w[0] is [inner, c]
		k := g.weight("kernel", w[0], r.Inner, in[0])
		y := g.op("Relu", []string{g.op("Gemm", []string{x, k, bias}, attribute{"transB", 1})})
		return g.op("Gemm", []string{y, k, x}, attribute{"alpha", float32(-2)})
	}
	k, t := square(r.Kernel, r.Inner, in[2], w[0]), centred(r.Kernel, 1, r.Padding)
	y := g.op("Relu", []string{g.conv(x, g.kernel("kernel_adjoint", k.adjoint()), bias, t, 1)})
	y = g.op("Mul", []string{g.conv(y, g.kernel("kernel", k), "", t, 1), g.number("two", 2)})
	return g.op("Sub", []string{x, y})
}
