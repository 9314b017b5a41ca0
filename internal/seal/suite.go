package seal

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A suite is one choice of algorithms. Its name is stored with each wrapped key and its tag with each sealed value, so that
// an incident sealed under one suite stays readable when another (SM4-GCM with HMAC-SM3) becomes the default.
type suite struct {
	name    string
	tag     byte
	keySize int // of the data key and of the index key alike
	aead    func(key []byte) (tink.AEAD, error)
	hash    func() hash.Hash
}

// intl1 is AES-256-GCM for values and HMAC-SHA-256 for indexes.
var intl1 = &suite{name: "intl-1", tag: 1, keySize: 32, aead: aes256GCM, hash: sha256.New}

// suites lists what can be read. The first one seals new incidents.
var suites = []*suite{intl1}

func suiteNamed(name string) (*suite, error) {
	for _, s := range suites {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("cipher suite %q is unknown to this version of tocsin", name)
}

func aes256GCM(key []byte) (tink.AEAD, error) {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: 32, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, err
	}
	k, err := aesgcm.NewKey(secretdata.NewBytesFromData(key, insecuresecretdataaccess.Token{}), 0, params)
	if err != nil {
		return nil, err
	}
	return aesgcm.NewAEAD(k)
}
