package audience

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// regionOf maps what files write to an ISO 3166 code, as the facts of an incident count people by region: "CN", "US-CA". It
// takes codes, the names of countries in Chinese and English, and the names of the states of the United States. Empty means
// not understood.
func regionOf(s string) string {
	s = strings.TrimSpace(s)
	if code, ok := regionNames()[regionKey(s)]; ok {
		return code
	}
	country, part, divided := strings.Cut(strings.ToUpper(strings.ReplaceAll(s, "_", "-")), "-")
	if !iso3166(country) {
		return ""
	}
	if !divided {
		return country
	}
	if len(part) < 1 || len(part) > 3 || !alnumOnly(part) || country == "US" && !stateCodes()[part] {
		return ""
	}
	return country + "-" + part
}

// iso3166 reports whether s is the two-letter code of a country, or EU, which stands for a law that follows its people
// into all of them.
func iso3166(s string) bool {
	if len(s) != 2 {
		return false
	}
	r, err := language.ParseRegion(s)
	return err == nil && r.String() == s && (r.IsCountry() || s == "EU")
}

func alnumOnly(s string) bool {
	for i := range len(s) {
		if !alnum(s[i]) {
			return false
		}
	}
	return true
}

func regionKey(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", ".", "", "'", "", "’", "", ",", "").Replace(s))
}

// regionNames holds every country by its Chinese and its English name, and what files write beside them.
var regionNames = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, 700)
	zh, en := display.Chinese.Regions(), display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if !iso3166(code) {
				continue
			}
			r := language.MustParseRegion(code)
			for _, name := range []string{zh.Name(r), en.Name(r), r.ISO3()} {
				if key := regionKey(name); len(key) > 2 && key != "zzz" {
					m[key] = code
				}
			}
		}
	}
	for code, names := range moreRegionNames {
		for name := range strings.SplitSeq(names, "|") {
			m[regionKey(name)] = code
		}
	}
	for code, names := range states {
		for name := range strings.SplitSeq(names, "|") {
			m[regionKey(name)] = "US-" + code
		}
	}
	return m
})

var stateCodes = sync.OnceValue(func() map[string]bool {
	m := make(map[string]bool, len(states))
	for code := range states {
		m[code] = true
	}
	return m
})

var moreRegionNames = map[string]string{
	"CN": "中国|中国大陆|中国内地|大陆|内地|境内|中华人民共和国|PRC|P.R. China|Mainland China|China Mainland|" +
		"北京|北京市|天津|天津市|上海|上海市|重庆|重庆市|河北|河北省|山西|山西省|辽宁|辽宁省|吉林|吉林省|黑龙江|黑龙江省|江苏|江苏省|浙江|浙江省|安徽|安徽省|福建|福建省|" +
		"江西|江西省|山东|山东省|河南|河南省|湖北|湖北省|湖南|湖南省|广东|广东省|海南|海南省|四川|四川省|贵州|贵州省|云南|云南省|陕西|陕西省|甘肃|甘肃省|青海|青海省|" +
		"内蒙古|内蒙古自治区|广西|广西壮族自治区|西藏|西藏自治区|宁夏|宁夏回族自治区|新疆|新疆维吾尔自治区",
	"HK": "香港|中国香港|香港特别行政区|Hong Kong",
	"MO": "澳门|中国澳门|澳门特别行政区|Macau|Macao",
	"TW": "台湾|台湾省|中国台湾|台湾地区|Taiwan",
	"US": "美国|United States of America|U.S.A.",
	"GB": "英国|UK|U.K.|Great Britain|England|Scotland|Wales|Northern Ireland",
	"KR": "韩国|South Korea|Republic of Korea",
	"AE": "阿联酋|UAE",
	"RU": "俄罗斯|Russian Federation",
	"VN": "越南|Viet Nam",
	"CZ": "捷克|Czech Republic",
	"EU": "欧盟|欧洲联盟|European Union",
}

// states are those of the United States by their postal codes, with the District of Columbia and the territories: their laws
// count residents each by itself. Georgia is left out by name, since a country bears it too.
var states = map[string]string{
	"AL": "Alabama|亚拉巴马州", "AK": "Alaska|阿拉斯加州", "AZ": "Arizona|亚利桑那州", "AR": "Arkansas|阿肯色州",
	"CA": "California|加利福尼亚|加利福尼亚州|加州", "CO": "Colorado|科罗拉多州", "CT": "Connecticut|康涅狄格州", "DE": "Delaware|特拉华州",
	"FL": "Florida|佛罗里达州|佛州", "GA": "State of Georgia|佐治亚州", "HI": "Hawaii|夏威夷州", "ID": "Idaho|爱达荷州",
	"IL": "Illinois|伊利诺伊州", "IN": "Indiana|印第安纳州", "IA": "Iowa|艾奥瓦州|爱荷华州", "KS": "Kansas|堪萨斯州",
	"KY": "Kentucky|肯塔基州", "LA": "Louisiana|路易斯安那州", "ME": "Maine|缅因州", "MD": "Maryland|马里兰州",
	"MA": "Massachusetts|马萨诸塞州|麻省", "MI": "Michigan|密歇根州", "MN": "Minnesota|明尼苏达州", "MS": "Mississippi|密西西比州",
	"MO": "Missouri|密苏里州", "MT": "Montana|蒙大拿州", "NE": "Nebraska|内布拉斯加州", "NV": "Nevada|内华达州",
	"NH": "New Hampshire|新罕布什尔州", "NJ": "New Jersey|新泽西州", "NM": "New Mexico|新墨西哥州", "NY": "New York|纽约州",
	"NC": "North Carolina|北卡罗来纳州", "ND": "North Dakota|北达科他州", "OH": "Ohio|俄亥俄州", "OK": "Oklahoma|俄克拉何马州",
	"OR": "Oregon|俄勒冈州", "PA": "Pennsylvania|宾夕法尼亚州|宾州", "RI": "Rhode Island|罗得岛州", "SC": "South Carolina|南卡罗来纳州",
	"SD": "South Dakota|南达科他州", "TN": "Tennessee|田纳西州", "TX": "Texas|得克萨斯州|德州", "UT": "Utah|犹他州",
	"VT": "Vermont|佛蒙特州", "VA": "Virginia|弗吉尼亚州", "WA": "Washington|华盛顿州", "WV": "West Virginia|西弗吉尼亚州",
	"WI": "Wisconsin|威斯康星州", "WY": "Wyoming|怀俄明州", "DC": "District of Columbia|Washington DC|哥伦比亚特区",
	"PR": "Puerto Rico|波多黎各", "GU": "Guam|关岛", "VI": "US Virgin Islands|美属维尔京群岛", "AS": "American Samoa|美属萨摩亚", "MP": "Northern Mariana Islands|北马里亚纳群岛",
}
