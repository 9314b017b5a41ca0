package document

// WithFace makes documents be set in another file until restore is called. Tests break the typeface with it.
func WithFace(gz []byte) (restore func()) {
	old := house
	house = func() (*face, error) { return openFace(gz) }
	return func() { house = old }
}

// FaceGz is the typeface as it is built in.
func FaceGz() []byte { return faceGz }

// Split breaks a text at a width in millimetres, set in points.
func Split(text string, points, width float64) []string {
	f, err := house()
	if err != nil {
		panic(err)
	}
	return f.split(text, points*mmPerPoint, width)
}
