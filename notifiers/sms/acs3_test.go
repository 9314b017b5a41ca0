package sms

import (
	"net/http"
	"testing"
	"time"
)

// The two examples that the provider publishes with their results, and one of our own worked out step by step from the
// same description (printf and openssl, not this code).
func TestSignatureOfPublishedExamples(t *testing.T) {
	const query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
	for rule, c := range map[string]struct {
		at, nonce, want string
	}{
		"fixed example of the signature page": {
			"2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d", "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
		},
		"example of the header table": {
			"2023-10-26T09:01:01Z", "d410180a5abf7fe235dd9b74aca91fc0", "e521358f7776c97df52e6b2891a8bc73026794a071b50c3323388c4e0df64804",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			got := signed(t, "https://ecs.cn-shanghai.aliyuncs.com/?"+query, "RunInstances", "2014-05-26", at, c.nonce)
			want := "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;" +
				"x-acs-signature-nonce;x-acs-version,Signature=" + c.want
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestSignatureOfSendSms(t *testing.T) {
	query := canonicalQuery(map[string]string{
		"PhoneNumbers": "13900000001", "SignName": "某某 公司*", "TemplateCode": "SMS_1", "TemplateParam": `{"name":"王~小燕+"}`,
	})
	want := "PhoneNumbers=13900000001&SignName=%E6%9F%90%E6%9F%90%20%E5%85%AC%E5%8F%B8%2A&TemplateCode=SMS_1" +
		"&TemplateParam=%7B%22name%22%3A%22%E7%8E%8B~%E5%B0%8F%E7%87%95%2B%22%7D"
	if query != want {
		t.Fatalf("canonical query\n%s\nwant\n%s", query, want)
	}
	at := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	got := signed(t, "https://dysmsapi.aliyuncs.com/?"+query, "SendSms", version, at, "00112233445566778899aabbccddeeff")
	const sum = "68ad7206cc5a66842c10f28894d3d8d0e589aba20e2cf195fc6fdfb06ee328c1"
	if suffix := ",Signature=" + sum; got[len(got)-len(suffix):] != suffix {
		t.Errorf("got %s, want …%s", got, suffix)
	}
}

func signed(t *testing.T, url, action, version string, at time.Time, nonce string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	signer{keyID: "YourAccessKeyId", secret: "YourAccessKeySecret"}.sign(req, action, version, nil, at, nonce)
	return req.Header.Get("Authorization")
}
