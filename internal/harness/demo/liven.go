package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/ground/ident"
)

// bought is a purchase that has happened before anybody looks, with what the buyer
// thought of it.
type bought struct {
	login, product, sku, period string
	quantity                    int
	stars                       int
	text, reply                 string // reply: of a seller who can sign in
}

var purchases = []bought{
	{"buyer", "云帆协同办公", "标准版", "month", 40, 5, "开通很快，导入名单后当天就用起来了，审批模板够用。", "感谢认可，需要定制流程模板可以随时联系我们。"},
	{"buyer2", "云帆协同办公", "专业版", "month", 12, 4, "考勤报表很省事，希望会议室预订能同步到日历。", "日历同步已在计划中，预计下个版本提供。"},
	{"buyer", "北辰经营看板", "团队版", "month", 10, 5, "接上数据库就能出图，管理层每天都看。", ""},
	{"buyer", "星河漏洞扫描", "标准版", "month", 20, 5, "问题描述清楚，修复建议可以直接给开发。", ""},
	{"buyer2", "明德在线培训", "标准版", "month", 60, 4, "新员工培训省了很多时间，考试防作弊有效。", ""},
	{"buyer", "Northwind Log Explorer", "Team", "month", 10, 5, "From installing to the first alert in twenty minutes.", ""},
	{"buyer2", "Northwind Ticket Desk", "Team", "month", 10, 4, "The team keeps its deadlines now. Reports could go deeper.", ""},
	{"buyer", "远山设备巡检", "标准版", "month", 30, 5, "班组长说比纸质点检表好用，漏检当天就能发现。", ""},
	{"buyer2", "Harbor Expense Claims", "Team", "month", 25, 5, "Receipts are read correctly nearly always.", ""},
	{"buyer2", "海纳会员营销", "五万会员", "month", 1, 4, "分群好用，活动效果看得清。", ""},
}

// Liven lets the demo's buyers buy, receive and rate before anybody looks, so that a
// stranger finds a shop that people use. It goes the way of every order: through the
// API, and through the sellers' servers.
func Liven(ctx context.Context, f *File) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	as := map[string]Client{}
	for _, a := range f.Accounts {
		as[a.Login] = Client{f.BaseURL, a.Token}
	}
	products, err := All[Product](ctx, as["buyer"], api+"/products")
	if err != nil {
		return err
	}
	find := func(b bought) (product, offer string) {
		for _, p := range products {
			for _, s := range p.SKUs {
				for _, o := range s.Offers {
					if p.Name == b.product && o.PeriodType == b.period && s.Attributes["版本"]+s.Attributes["规模"]+s.Attributes["Edition"] == b.sku {
						return p.ID, o.ProductID
					}
				}
			}
		}
		return "", ""
	}
	orders := make([]Order, len(purchases))
	ids := make([]string, len(purchases))
	for i, b := range purchases {
		product, offer := find(b)
		if offer == "" {
			return fmt.Errorf("%s %s is not sold by the %s", b.product, b.sku, b.period)
		}
		ids[i] = product
		c := as[b.login]
		in := map[string]any{"product_id": offer, "period_number": 1, "quantity": b.quantity, "accept_agreement": true}
		if err := c.Do(ctx, "POST", api+"/orders", ident.UUID(), in, &orders[i]); err != nil {
			return err
		}
		if err := c.Do(ctx, "POST", api+"/orders/"+orders[i].ID+"/pay", ident.UUID(), map[string]any{}, nil); err != nil {
			return err
		}
	}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for i, b := range purchases {
		c := as[b.login]
		for orders[i].Status != "COMPLETED" {
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("order %s of %s is still %s", orders[i].ID, b.product, orders[i].Status), ctx.Err())
			case <-look.C:
			}
			if err := c.Do(ctx, "GET", api+"/orders/"+orders[i].ID, "", nil, &orders[i]); err != nil {
				return err
			}
		}
		var r struct{ ID string }
		if err := c.Do(ctx, "POST", api+"/products/"+ids[i]+"/ratings", ident.UUID(), map[string]any{"stars": b.stars, "text": b.text}, &r); err != nil {
			return err
		}
		if b.reply != "" {
			if err := as["yunfan"].Do(ctx, "PUT", api+"/products/"+ids[i]+"/ratings/"+r.ID+"/reply", ident.UUID(), map[string]any{"text": b.reply}, nil); err != nil {
				return err
			}
		}
	}
	return prove(ctx, f, as)
}

// prove lets the sellers' developers do what they do before a release: register the kit, the licence codes and a public
// key, and save the cases that their products need.
func prove(ctx context.Context, f *File, as map[string]Client) error {
	for i := range f.Sellers {
		s := &f.Sellers[i]
		c, ok := Client{}, false
		for _, a := range f.Accounts {
			if a.CompanyID == s.ID && !ok {
				c, ok = as[a.Login], true
			}
		}
		root, err := url.Parse(s.Address)
		if !ok || err != nil {
			continue // a guest, whom nobody speaks for
		}
		root.Path = ""
		for class, path := range map[string]string{"kit": "/produce", "license": "/Licenseproduce"} {
			if err := c.Do(ctx, "PUT", api+"/sellers/"+s.ID+"/production-address", ident.UUID(), map[string]string{"class": class, "address": root.String() + path}, nil); err != nil {
				return err
			}
		}
		key, err := text(ctx, root.String()+"/public-key")
		if err != nil {
			return err
		}
		if err := c.Do(ctx, "POST", api+"/lab/credentials", ident.UUID(), map[string]string{"name": "联营应用", "public_key": key}, nil); err != nil {
			return err
		}
		for _, scenario := range append(lab.Of(lab.Protocol(s.Protocol)), lab.Of(lab.Notify)...) {
			address := s.Address
			if scenario.Protocol == lab.Notify {
				address = root.String() + "/notify"
			}
			if scenario.Inbound {
				if err := pushUsage(ctx, c, scenario.ID, address); err != nil {
					return err
				}
			}
			var r struct{ Passed bool }
			for range 3 { // an instance of V2 is ready at the second look
				if err := c.Do(ctx, "POST", api+"/lab/runs", "", map[string]any{"scenario": scenario.ID, "address": address, "save": true}, &r); err != nil {
					return err
				}
				if r.Passed {
					break
				}
			}
		}
	}
	return nil
}

// pushUsage makes the push that the debugging page waits for, as its generated command would.
func pushUsage(ctx context.Context, c Client, scenario, address string) error {
	var made struct{ URL, Request string }
	if err := c.Do(ctx, "POST", api+"/lab/preview", "", map[string]any{"scenario": scenario, "address": address}, &made); err != nil {
		return err
	}
	to, err := url.Parse(made.URL)
	if err != nil {
		return err
	}
	head, body, _ := strings.Cut(made.Request, "\r\n\r\n")
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+to.Path, strings.NewReader(body))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if name, value, _ := strings.Cut(line, ": "); name != "Host" && name != "Content-Length" {
			q.Header.Set(name, value)
		}
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

func text(ctx context.Context, address string) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, r.Status)
	}
	return string(b), err
}
