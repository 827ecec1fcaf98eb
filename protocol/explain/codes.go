package explain

// Code is the stable word of a mistake; Text puts it into a language.
type Code string

// The mistakes.
const (
	URLEncoded            Code = "url-encoded"
	PlusAsBlank           Code = "plus-as-blank"
	DoubleEncoded         Code = "double-encoded"
	Unsorted              Code = "unsorted"
	Seconds               Code = "seconds"
	EmptyDropped          Code = "empty-dropped"
	EmptyKept             Code = "empty-kept"
	AuthTokenIncluded     Code = "authtoken-included"
	LeftOut               Code = "parameter-left-out"
	Trimmed               Code = "trimmed"
	NotUTF8               Code = "not-utf8"
	KeyWithoutTimestamp   Code = "key-without-timestamp"
	KeyWithTimestamp      Code = "key-with-timestamp"
	SwappedKeyTimestamp   Code = "swapped-order-key-timestamp"
	WrongKeyClass         Code = "wrong-key-class"
	HexForBase64          Code = "hex-for-base64"
	Base64ForHex          Code = "base64-for-hex"
	OtherBase64           Code = "other-base64"
	NotHMAC               Code = "not-hmac-sha256"
	Reserialised          Code = "reserialised"
	TrailingNewline       Code = "trailing-newline"
	BOM                   Code = "byte-order-mark"
	BodyEmpty             Code = "body-empty"
	InnerPlainSHA256      Code = "inner-plain-sha256"
	InnerUpper            Code = "inner-upper"
	InnerBase64           Code = "inner-base64"
	KitPrehashed          Code = "kit-prehashed"
	KitRule               Code = "kit-rule"
	SwappedNonceTimestamp Code = "swapped-order-nonce-timestamp"
	KeyLeftOut            Code = "key-left-out"
	NonceLeftOut          Code = "nonce-left-out"
	BodyFirst             Code = "body-first"
	BodySignForm          Code = "body-sign-form"
	AuthorizationForm     Code = "authorization-form"
	DateUnsigned          Code = "date-unsigned"
	HeaderAbsent          Code = "header-absent"
	AccessKeyDiffers      Code = "access-key-differs"
	NoFinalSlash          Code = "no-final-slash"
	PathRaw               Code = "path-not-encoded"
	QueryRaw              Code = "query-as-sent"
	QueryLeftOut          Code = "query-left-out"
	NotHashed             Code = "canonical-not-hashed"
	NoEmptyLine           Code = "no-empty-line"
	MethodCase            Code = "method-case"
	OtherDate             Code = "other-date"
	HeadersRaw            Code = "headers-as-sent"
	HexUpper              Code = "hex-upper"
	UnsignedCarry         Code = "unsigned-carry"
	NoIVPrefix            Code = "no-iv-prefix"
	IVInBase64            Code = "iv-in-base64"
	OtherLength           Code = "other-key-length"
	KeyNotDerived         Code = "key-not-derived"
	ECB                   Code = "ecb"
	ZeroIV                Code = "zero-iv"
	ZeroPadding           Code = "zero-padding"
	PlainText             Code = "plain-text"
	LineBreaks            Code = "line-breaks"
	OtherText             Code = "other-text"
)

// The languages of Text.
const (
	Chinese = "zh-CN"
	English = "en-US"
)

// Text says in one sentence what a mistake is and what would be right. lang is Chinese
// or English; anything else is English. An unknown code is its own text.
func Text(code Code, lang string) string {
	texts, known := table[code]
	switch {
	case !known:
		return string(code)
	case lang == Chinese:
		return texts[0]
	default:
		return texts[1]
	}
}

// Codes lists every mistake.
func Codes() []Code {
	codes := make([]Code, 0, len(table))
	for code := range table {
		codes = append(codes, code)
	}
	return codes
}

// table holds each sentence in Chinese and in English.
var table = map[Code][2]string{
	URLEncoded:            {"参数值以URL编码后的形式参与了签名；应使用解码后的原始值。", "The values were signed URL-encoded; sign the decoded values."},
	PlusAsBlank:           {"“+”变成了空格；在URL中应把“+”编码为%2B，且只解码一次。", "A plus became a blank; send it as %2B and decode exactly once."},
	DoubleEncoded:         {"多做了一次URL编码或解码；应恰好一次。", "URL encoding or decoding was done once too often; do it exactly once."},
	Unsorted:              {"名称没有按代码单元升序排列（大写字母在“_”之前，“_”在小写字母之前）。", "The names are not in ascending order of code units (upper case before _ before lower case)."},
	Seconds:               {"时间戳用了秒；应使用传输中的毫秒值，一位也不能少。", "The time stamp was cut to seconds; use the milliseconds exactly as they travel."},
	EmptyDropped:          {"空值参数没有参与签名；应保留为“名称=”。", "Empty values were left out; they are signed as name=."},
	EmptyKept:             {"空值或null参数参与了签名；应跳过。", "Blank or null values were signed; they are skipped."},
	AuthTokenIncluded:     {"authToken本身参与了签名；它不在签名范围内。", "authToken itself was signed; it does not belong to the signed parameters."},
	LeftOut:               {"有一个参数没有参与签名；收到的参数（authToken除外）都要参与。", "One parameter was not signed; every received one is, except authToken."},
	Trimmed:               {"值或报文两端的空白被去掉后才签名；应按收到的内容签名。", "White space at the ends was removed before signing; sign what travels."},
	NotUTF8:               {"非西文字符变成了“?”；签名应使用UTF-8字节。", "Characters beyond Latin became question marks; sign UTF-8 bytes."},
	KeyWithoutTimestamp:   {"HMAC密钥只用了访问密钥；此处应为访问密钥后接timeStamp。", "The HMAC key was the access key alone; here it is the access key followed by timeStamp."},
	KeyWithTimestamp:      {"HMAC密钥后面接了时间戳；此处只用访问密钥。", "The time stamp was put behind the HMAC key; here the key is the access key alone."},
	SwappedKeyTimestamp:   {"HMAC密钥中时间戳在前；应为访问密钥在前。", "The time stamp stands before the access key in the HMAC key; the access key comes first."},
	WrongKeyClass:         {"使用了另一类密钥。", "A key of another class was used."},
	HexForBase64:          {"签名写成了十六进制；应为HMAC字节的base64。", "The signature was written as hex; it is the base64 of the HMAC's bytes."},
	Base64ForHex:          {"签名写成了base64；应为十六进制。", "The signature was written as base64; it is hex."},
	OtherBase64:           {"使用了URL安全字母表或没有填充的base64；应为带填充的标准base64。", "Another base64 was used, URL-safe or without padding; use the standard one with padding."},
	NotHMAC:               {"使用了其他摘要函数；应为HMAC-SHA256。", "Another function was used; it is HMAC-SHA256."},
	Reserialised:          {"签名的是解析后重新生成的JSON；应对传输的原始字节签名。", "The body was parsed and written anew before signing; sign the bytes that travel."},
	TrailingNewline:       {"签名的报文与传输的报文末尾相差一个换行。", "The signed body and the one that travels differ by a newline at the end."},
	BOM:                   {"报文前的字节顺序标记（BOM）只在一侧参与了签名。", "A byte order mark before the body was signed by one side only."},
	BodyEmpty:             {"签名时报文为空，多半是已被读过一次。", "The body was empty when it was signed; it was probably read before."},
	InnerPlainSHA256:      {"内层用了普通SHA-256；应为以访问密钥为密钥的HMAC-SHA256。", "The inner hash is a plain SHA-256; it is HMAC-SHA256 under the access key."},
	InnerUpper:            {"内层十六进制用了大写；应为小写。", "The inner hex is upper case; it is lower case."},
	InnerBase64:           {"内层写成了base64；应为小写十六进制。", "The inner hash was written as base64; it is lower-case hex."},
	KitPrehashed:          {"按基础接口的规则先对报文做了摘要；联营Kit接口直接使用报文。", "The body was hashed first, as on the basic interfaces; the kit signs the body itself."},
	KitRule:               {"按联营Kit接口的规则直接使用了报文；基础接口先对报文做HMAC。", "The body itself was signed, as in the kit; the basic interfaces hash it first."},
	SwappedNonceTimestamp: {"nonce与时间戳的顺序颠倒了。", "Nonce and time stamp are in the wrong order."},
	KeyLeftOut:            {"待签名文本的开头缺少访问密钥。", "The access key is missing at the beginning of the signed text."},
	NonceLeftOut:          {"nonce没有参与签名。", "The nonce was not signed."},
	BodyFirst:             {"报文部分应放在待签名文本的最后。", "The body's part stands too early; it comes last in the signed text."},
	BodySignForm:          {"Body-Sign头格式不对；应为 sign_type=\"HMAC-SHA256\", signature=\"…\"，包括引号。", "The Body-Sign header is malformed; it reads sign_type=\"HMAC-SHA256\", signature=\"…\", quotes included."},
	AuthorizationForm:     {"Authorization格式不对；应为 SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…（64位十六进制）。", "The Authorization value is malformed; it reads SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=… (64 hex digits)."},
	DateUnsigned:          {"x-sdk-date没有参与签名；它必须在SignedHeaders中。", "x-sdk-date is not among the signed headers; it must be."},
	HeaderAbsent:          {"SignedHeaders列出的某个请求头不在请求中。", "SignedHeaders names a header that the request does not have."},
	AccessKeyDiffers:      {"Authorization中的AK与给出的不同。", "The Authorization value names another access key."},
	NoFinalSlash:          {"规范路径末尾缺少“/”；签名时路径总以“/”结尾。", "The canonical path lacks the slash at its end; for signing it always ends in one."},
	PathRaw:               {"规范路径没有逐段编码。", "The canonical path was not percent-encoded segment by segment."},
	QueryRaw:              {"规范查询串没有按名称排序并重新编码（空值也要写“=”）。", "The canonical query was used as sent; sort it by name, encode it, and write = for empty values."},
	QueryLeftOut:          {"查询串没有参与签名。", "The query was not signed."},
	NotHashed:             {"待签字符串中直接用了规范请求；应使用它的SHA-256。", "The string to sign holds the canonical request itself; it holds its SHA-256."},
	NoEmptyLine:           {"规范请求中头部与SignedHeaders之间缺少空行。", "The empty line between the headers and SignedHeaders is missing."},
	MethodCase:            {"请求方法应为大写。", "The method is upper case."},
	OtherDate:             {"签名使用的时间与x-sdk-date不同（格式为UTC的YYYYMMDDTHHMMSSZ）。", "Another form of the time than x-sdk-date was signed; it is UTC, YYYYMMDDTHHMMSSZ."},
	HeadersRaw:            {"规范请求头没有转为小写或没有去掉两端空白。", "The canonical headers were not lower-cased or not trimmed."},
	HexUpper:              {"摘要用了大写十六进制；应为小写。", "A hash was written in upper-case hex; it is lower case."},
	UnsignedCarry:         {"SHA1PRNG派生256位密钥时按无符号字节计算了进位；应按有符号字节。", "SHA1PRNG was derived with an unsigned carry; the bytes are signed, so the last 12 bytes of a 256-bit key differ."},
	NoIVPrefix:            {"密文前缺少16个字符的初始向量。", "The 16 characters of the initial vector are missing before the base64."},
	IVInBase64:            {"初始向量被放进了base64里面；应以16个ASCII字符放在base64之前。", "The initial vector is inside the base64; it stands before it as 16 ASCII characters."},
	OtherLength:           {"使用了另一种密钥长度；encryptType 1为256位，2为128位。", "The key has the other length; encryptType 1 is 256 bits, 2 is 128."},
	KeyNotDerived:         {"密钥没有用SHA1PRNG由访问密钥派生。", "The key was not derived from the access key by SHA1PRNG."},
	ECB:                   {"使用了ECB模式；应为CBC。", "ECB was used; it is CBC."},
	ZeroIV:                {"加密时用的是全零初始向量，而不是所附的16个字符。", "The initial vector of the encryption was all zeros, not the 16 characters that travel."},
	ZeroPadding:           {"用零字节填充；应为PKCS5填充。", "The text was padded with zeros; it is PKCS5 padding."},
	PlainText:             {"值是明文，没有加密。", "The value is plain text: it was not encrypted."},
	LineBreaks:            {"base64中有换行或空白。", "There are line breaks or blanks inside the base64."},
	OtherText:             {"可以解密，但内容与预期不同。", "It opens, but holds another text than expected."},
}
