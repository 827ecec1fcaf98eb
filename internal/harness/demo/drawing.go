package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"sync"

	"github.com/souk-market/souk/internal/domain/catalog"
)

// canvas draws flat shapes with smooth edges: the pictures of products nobody made.
type canvas struct{ *image.RGBA }

func newCanvas(w, h int, c color.RGBA) canvas {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return canvas{m}
}

// shape paints the pixels of a box by how far they lie inside (positive) of a form.
func (m canvas) shape(x0, y0, x1, y1 float64, c color.RGBA, inside func(x, y float64) float64) {
	for y := max(0, int(y0)-1); y < min(m.Rect.Dy(), int(y1)+2); y++ {
		for x := max(0, int(x0)-1); x < min(m.Rect.Dx(), int(x1)+2); x++ {
			cover := min(1, max(0, inside(float64(x)+.5, float64(y)+.5)+.5)) * float64(c.A) / 255
			if cover <= 0 {
				continue
			}
			i := m.PixOffset(x, y)
			for k, v := range [3]uint8{c.R, c.G, c.B} {
				m.Pix[i+k] = uint8(float64(m.Pix[i+k])*(1-cover) + float64(v)*cover)
			}
		}
	}
}

// box is a rectangle with round corners.
func (m canvas) box(x, y, w, h, r float64, c color.RGBA) {
	m.shape(x, y, x+w, y+h, c, func(px, py float64) float64 {
		dx, dy := math.Abs(px-x-w/2)-w/2+r, math.Abs(py-y-h/2)-h/2+r
		return r - math.Hypot(max(dx, 0), max(dy, 0)) - min(max(dx, dy), 0)
	})
}

func (m canvas) disc(x, y, r float64, c color.RGBA) {
	m.shape(x-r, y-r, x+r, y+r, c, func(px, py float64) float64 { return r - math.Hypot(px-x, py-y) })
}

// arc is part of a ring, in turns from the top.
func (m canvas) arc(x, y, r, width, from, to float64, c color.RGBA) {
	m.shape(x-r, y-r, x+r, y+r, c, func(px, py float64) float64 {
		turn := math.Mod(math.Atan2(px-x, y-py)/(2*math.Pi)+1, 1)
		if turn < from || turn > to {
			return -1
		}
		return width/2 - math.Abs(math.Hypot(px-x, py-y)-r+width/2)
	})
}

// line joins points with a stroke.
func (m canvas) line(width float64, c color.RGBA, at ...[2]float64) {
	for i := 1; i < len(at); i++ {
		a, b := at[i-1], at[i]
		m.shape(min(a[0], b[0])-width, min(a[1], b[1])-width, max(a[0], b[0])+width, max(a[1], b[1])+width, c, func(px, py float64) float64 {
			vx, vy := b[0]-a[0], b[1]-a[1]
			t := min(1, max(0, ((px-a[0])*vx+(py-a[1])*vy)/max(vx*vx+vy*vy, 1e-9)))
			return width/2 - math.Hypot(px-a[0]-t*vx, py-a[1]-t*vy)
		})
	}
}

func (m canvas) png() *bytes.Buffer {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		panic(err) // a picture in memory always encodes
	}
	return &b
}

var (
	white = color.RGBA{255, 255, 255, 255}
	paper = color.RGBA{244, 247, 248, 255}
	grey  = color.RGBA{222, 229, 231, 255}
)

// mix lightens a colour by so many hundredths of white.
func mix(c color.RGBA, hundredths int) color.RGBA {
	f := func(v uint8) uint8 { return uint8((int(v)*(100-hundredths) + 255*hundredths) / 100) }
	return color.RGBA{f(c.R), f(c.G), f(c.B), 255}
}

// Marks of logos.
const (
	markBlocks = iota
	markPen
	markBars
	markRing
	markShield
	markCap
	markBag
	markGear
	markBraces
	markWave
	markTicket
	markCoin
)

// drawn keeps pictures of a process: tests fill many marketplaces.
var drawn sync.Map

func once(key string, draw func() *bytes.Buffer) *bytes.Buffer {
	b, known := drawn.Load(key)
	if !known {
		b, _ = drawn.LoadOrStore(key, draw().Bytes())
	}
	return bytes.NewBuffer(b.([]byte))
}

func logo(c color.RGBA, mark int) *bytes.Buffer {
	return once(fmt.Sprint("logo", c, mark), func() *bytes.Buffer { return drawLogo(c, mark) })
}

func screen(c color.RGBA, kind int) *bytes.Buffer {
	return once(fmt.Sprint("screen", c, kind), func() *bytes.Buffer { return drawScreen(c, kind) })
}

// drawLogo draws a white mark on the product's colour.
func drawLogo(c color.RGBA, mark int) *bytes.Buffer {
	m := newCanvas(catalog.LogoSide, catalog.LogoSide, mix(c, 8))
	m.disc(100, 20, 70, mix(c, 20))
	soft := mix(c, 60)
	switch mark {
	case markBlocks:
		m.box(28, 28, 30, 64, 7, white)
		m.box(64, 28, 28, 28, 7, soft)
		m.box(64, 62, 28, 30, 7, white)
	case markPen:
		m.line(12, white, [2]float64{40, 78}, [2]float64{80, 38})
		m.line(8, soft, [2]float64{30, 94}, [2]float64{92, 94})
	case markBars:
		for i, h := range []float64{26, 44, 62} {
			m.box(28+float64(i)*23, 92-h, 16, h, 5, []color.RGBA{soft, white, white}[i])
		}
	case markRing:
		m.arc(60, 60, 34, 13, 0, .72, white)
		m.arc(60, 60, 34, 13, .76, .97, soft)
	case markShield:
		m.box(32, 28, 56, 40, 8, white)
		m.disc(60, 64, 28, white)
		m.line(7, c, [2]float64{46, 60}, [2]float64{57, 71}, [2]float64{76, 49})
	case markCap:
		m.line(16, white, [2]float64{26, 54}, [2]float64{60, 38}, [2]float64{94, 54}, [2]float64{60, 70}, [2]float64{26, 54})
		m.line(7, soft, [2]float64{88, 58}, [2]float64{88, 84})
	case markBag:
		m.box(32, 48, 56, 44, 9, white)
		m.arc(60, 50, 18, 7, 0, .25, white)
		m.arc(60, 50, 18, 7, .75, 1, white)
	case markGear:
		for i := range 8 {
			a := float64(i) * math.Pi / 4
			m.line(12, soft, [2]float64{60, 60}, [2]float64{60 + 36*math.Cos(a), 60 + 36*math.Sin(a)})
		}
		m.disc(60, 60, 27, white)
		m.disc(60, 60, 11, mix(c, 8))
	case markBraces:
		m.line(9, white, [2]float64{46, 36}, [2]float64{28, 60}, [2]float64{46, 84})
		m.line(9, white, [2]float64{74, 36}, [2]float64{92, 60}, [2]float64{74, 84})
	case markWave:
		m.line(9, white, [2]float64{22, 66}, [2]float64{40, 66}, [2]float64{52, 36}, [2]float64{68, 86}, [2]float64{80, 58}, [2]float64{98, 58})
	case markTicket:
		m.box(26, 38, 68, 46, 8, white)
		m.disc(26, 61, 8, mix(c, 8))
		m.disc(94, 61, 8, mix(c, 8))
		m.line(5, soft, [2]float64{70, 46}, [2]float64{70, 76})
	case markCoin:
		m.disc(52, 62, 30, white)
		m.disc(74, 52, 22, soft)
		m.line(6, c, [2]float64{40, 62}, [2]float64{62, 62})
	}
	return m.png()
}

// Screens of products.
const (
	screenBars = iota
	screenTable
	screenBoard
	screenCurve
	screenCalendar
	screenShares
	screenText
	screenCards
)

// drawScreen draws what a screen of a product looks like from afar.
func drawScreen(c color.RGBA, kind int) *bytes.Buffer {
	m := newCanvas(catalog.PictureWidth, catalog.PictureHeight, paper)
	m.box(0, 0, 800, 52, 0, white)
	m.box(0, 51, 800, 1, 0, grey)
	m.box(20, 14, 24, 24, 7, c)
	m.box(54, 20, 96, 12, 6, mix(c, 35))
	m.box(470, 15, 190, 22, 11, paper)
	m.disc(756, 26, 13, mix(c, 55))
	m.box(0, 52, 164, 548, 0, mix(c, 93))
	for i := range 7 {
		y := 82 + float64(i)*40
		if i == kind%7 {
			m.box(12, y-9, 140, 32, 8, mix(c, 78))
		}
		m.box(24, y, 14, 14, 4, mix(c, 40))
		m.box(48, y+2, 60+float64(i*17%32), 10, 5, mix(c, 55))
	}
	m.box(190, 76, 150, 16, 8, mix(c, 25))
	m.box(660, 72, 116, 26, 8, c)
	switch kind {
	case screenTable:
		m.box(190, 116, 586, 456, 12, white)
		for i := range 9 {
			y := 136 + float64(i)*47
			if i > 0 {
				m.box(206, y-14, 554, 1, 0, grey)
			}
			m.disc(222, y+8, 10, mix(c, 40+i*5))
			m.box(244, y+3, 90+float64(i*29%60), 10, 5, mix(c, 60))
			m.box(430, y+3, 70+float64(i*13%40), 10, 5, grey)
			m.box(560, y+3, 46, 10, 5, grey)
			m.box(676, y-2, 68, 20, 10, mix(c, []int{75, 40, 85}[i%3]))
		}
	case screenBoard:
		for col := range 4 {
			x := 190 + float64(col)*149
			m.box(x, 116, 139, 456, 12, mix(c, 90))
			m.box(x+14, 130, 70, 10, 5, mix(c, 30))
			for row := range []int{4, 3, 5, 2}[col] {
				y := 154 + float64(row)*80
				m.box(x+10, y, 119, 68, 9, white)
				m.box(x+20, y+12, 44+float64((row*23+col*11)%40), 9, 4, mix(c, 50))
				m.box(x+20, y+28, 84, 7, 3, grey)
				m.box(x+20, y+46, 34, 11, 5, mix(c, 70))
				m.disc(x+112, y+52, 8, mix(c, 35))
			}
		}
	case screenCurve:
		m.tiles(c)
		m.box(190, 214, 586, 358, 12, white)
		var up, low [][2]float64
		for i := range 12 {
			x := 222 + float64(i)*47
			up = append(up, [2]float64{x, 500 - 150*math.Abs(math.Sin(float64(i)*.55+.4)) - float64(i)*7})
			low = append(low, [2]float64{x, 530 - 70*math.Abs(math.Sin(float64(i)*.7+1)) - float64(i)*4})
		}
		for i := range 5 {
			m.box(214, 260+float64(i)*66, 540, 1, 0, grey)
		}
		m.line(4, mix(c, 60), low...)
		m.line(5, c, up...)
		for _, p := range up {
			m.disc(p[0], p[1], 6, c)
			m.disc(p[0], p[1], 3, white)
		}
	case screenCalendar:
		m.box(190, 116, 586, 456, 12, white)
		for i := range 35 {
			x, y := 206+float64(i%7)*80, 150+float64(i/7)*82
			m.box(x, y, 74, 76, 8, paper)
			m.box(x+8, y+8, 14, 8, 4, mix(c, 60))
			if i*7%5 < 2 {
				m.box(x+8, y+26, 56, 13, 6, mix(c, 45))
			}
			if i*11%7 < 2 {
				m.box(x+8, y+44, 40, 13, 6, mix(c, 72))
			}
		}
	case screenShares:
		m.box(190, 116, 280, 456, 12, white)
		m.arc(330, 262, 96, 40, 0, .46, c)
		m.arc(330, 262, 96, 40, .47, .74, mix(c, 45))
		m.arc(330, 262, 96, 40, .75, .99, mix(c, 72))
		for i := range 4 {
			y := 412 + float64(i)*36
			m.disc(224, y+6, 7, mix(c, i*28))
			m.box(244, y, 90+float64(i*19%50), 11, 5, grey)
			m.box(412, y, 36, 11, 5, mix(c, 50))
		}
		m.box(486, 116, 290, 456, 12, white)
		for i := range 8 {
			y := 142 + float64(i)*52
			m.box(506, y, 80+float64(i*31%60), 10, 5, mix(c, 55))
			m.box(506, y+18, 250, 12, 6, paper)
			m.box(506, y+18, 240-float64(i)*26, 12, 6, mix(c, 12+i*8))
		}
	case screenText:
		m.box(190, 116, 586, 456, 12, color.RGBA{28, 36, 42, 255})
		for i := range 15 {
			y := 140 + float64(i)*28
			x := 238 + float64([]int{0, 1, 2, 2, 1, 1, 2, 3, 3, 2, 1, 0, 0, 1, 0}[i])*28
			m.box(206, y, 14, 8, 4, color.RGBA{74, 88, 96, 255})
			m.box(x, y, 48+float64(i*37%70), 10, 5, mix(c, 40))
			m.box(x+62+float64(i*37%70), y, 60+float64(i*53%130), 10, 5, color.RGBA{126, 142, 150, 255})
			if i == 6 || i == 7 {
				m.box(190, y-9, 586, 28, 0, color.RGBA{c.R, c.G, c.B, 60})
			}
		}
	case screenCards:
		for i := range 6 {
			x, y := 190+float64(i%3)*199, 116+float64(i/3)*234
			m.box(x, y, 188, 222, 12, white)
			m.box(x+12, y+12, 164, 100, 9, mix(c, 62+i*5))
			m.disc(x+94, y+62, 24, mix(c, 25))
			m.box(x+16, y+128, 90+float64(i*23%60), 11, 5, mix(c, 50))
			m.box(x+16, y+150, 150, 8, 4, grey)
			m.box(x+16, y+166, 110, 8, 4, grey)
			m.box(x+16, y+190, 58, 18, 9, mix(c, 30))
		}
	default:
		m.tiles(c)
		m.box(190, 214, 586, 358, 12, white)
		for i, h := range []float64{120, 180, 150, 220, 190, 260, 230, 285} {
			x := 222 + float64(i)*68
			m.box(x, 548-h, 22, h, 6, c)
			m.box(x+26, 548-h*.62, 18, h*.62, 6, mix(c, 55))
		}
	}
	return m.png()
}

// tiles are three figures on top of a screen.
func (m canvas) tiles(c color.RGBA) {
	for i := range 3 {
		x := 190 + float64(i)*199
		m.box(x, 116, 188, 82, 12, white)
		m.box(x+16, 132, 70, 9, 4, grey)
		m.box(x+16, 152, 104-float64(i)*14, 20, 7, mix(c, 12+20*i))
		m.disc(x+154, 158, 18, mix(c, 70))
	}
}
