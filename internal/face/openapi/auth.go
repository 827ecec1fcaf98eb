package openapi

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/souk-market/souk/protocol/aksk"
)

// authenticate finds the access key that signed the request and checks the signature. Wrong signatures of a
// known key are counted, by all processes together; more than five in a row lock it for five minutes, and then a right one
// is refused too.
// spec: 14 §4, §6.2, 01 §5
func (h *Handler) authenticate(r *http.Request, body []byte, log *slog.Logger) (AccessKey, *gatewayError) {
	if len(r.Header.Values("X-Auth-Token")) > 0 {
		return AccessKey{}, unauthenticated("tokens are not accepted here, sign the request with an access key.")
	}
	now := h.o.Now()
	var (
		key    AccessKey
		known  bool
		broken error
	)
	ak, err := aksk.Verify(
		aksk.Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header, Body: body}, now,
		func(ak string) (string, bool) {
			key, known, broken = h.o.Keys.AccessKey(r.Context(), ak)
			return key.SK, known && broken == nil
		},
		aksk.Options{})
	switch {
	case broken != nil:
		log.Error("access key", "err", broken)
		return AccessKey{}, errUnavailable
	case errors.Is(err, aksk.ErrClockSkew):
		return AccessKey{}, skewed(err.Error() + ".")
	case errors.Is(err, aksk.ErrSignature) && known:
		// Verify names the key only on success; the header was parsed by it, so it parses here.
		auth, _ := aksk.Parse(r.Header.Get("Authorization"))
		if !now.Before(key.LockedUntil) { // a locked key is not counted on: what a stranger sends costs no write
			if err := h.o.Keys.Failed(r.Context(), auth.AccessKey); err != nil {
				log.Error("a wrong signature is not counted", "err", err)
			}
		}
		log.Warn("refused", "access_key", auth.AccessKey, "why", err)
		return AccessKey{}, unauthenticated(err.Error() + ".")
	case err != nil:
		return AccessKey{}, unauthenticated(err.Error() + ".")
	case key.Disabled:
		return AccessKey{}, unauthenticated(aksk.ErrUnknownKey.Error() + ".")
	case now.Before(key.LockedUntil):
		return AccessKey{}, unauthenticated("the access key is locked after repeated failures, try again in 5 minutes.")
	}
	if err := h.o.Keys.Used(r.Context(), ak, key); err != nil {
		log.Warn("the use of a key is not noted", "err", err)
	}
	return key, nil
}
