package webtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"propusk/idp/web"
)

// Browse holds the shots to the rules that need a browser, at 320 and 1100 px: no violation of axe-core (its file is named by TEST_AXE),
// no sideways scroll (at 320 px with text at 200 % too), targets of 44 px outside running text. Without Chromium or axe-core it skips;
// under TEST_REQUIRE=all that fails.
func Browse(t *testing.T, site *web.Site, shots []Shot) {
	t.Helper()
	axe := axeSource(t)
	ctx := Chromium(t)
	server := Serve(t, site, shots)
	if err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(axe).Do(ctx)
		return err
	})); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{320, 1100} {
		if err := chromedp.Run(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		for _, s := range shots {
			var found []string
			err := chromedp.Run(ctx, chromedp.Navigate(server+"/shot/"+s.Name),
				chromedp.Evaluate(fmt.Sprintf(examine, width == 320), &found, chromedp.EvalAsValue, awaited))
			if err != nil {
				t.Fatalf("%s at %d px: %v", s.Name, width, err)
			}
			for _, f := range found {
				t.Errorf("%s at %d px: %s", s.Name, width, f)
			}
		}
	}
}

// Serve serves shots for a test that drives the browser itself; the address of one is the result and /shot/NAME.
func Serve(t testing.TB, site *web.Site, shots []Shot) string {
	server := httptest.NewServer(gallery(site, shots))
	t.Cleanup(server.Close)
	return server.URL
}

// gallery serves the shots as the product does, with its headers.
func gallery(site *web.Site, shots []Shot) http.Handler {
	pages := map[string]string{}
	for _, s := range shots {
		pages["/shot/"+s.Name] = s.HTML
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		html, ok := pages[r.URL.Path]
		if !ok {
			site.Assets().ServeHTTP(w, r)
			return
		}
		web.SecurityHeaders(w.Header(), "", false)
		_, _ = w.Write([]byte(html))
	})
}

// Chromium starts a browser for a test, or skips it.
func Chromium(t testing.TB) context.Context {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
		t.Cleanup(cancel)
		ctx, cancelTab := chromedp.NewContext(ctx)
		t.Cleanup(cancelTab)
		ctx, cancelTime := context.WithTimeout(ctx, 10*time.Minute)
		t.Cleanup(cancelTime)
		return ctx
	}
	Skip(t, "no Chromium")
	return nil
}

func axeSource(t testing.TB) string {
	t.Helper()
	path := os.Getenv("TEST_AXE")
	if path == "" {
		Skip(t, "TEST_AXE does not name axe.min.js")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// Skip skips a test for want of something; under TEST_REQUIRE=all it fails.
func Skip(t testing.TB, want string) {
	t.Helper()
	if strings.TrimSpace(os.Getenv("TEST_REQUIRE")) == "all" {
		t.Fatal(want)
	}
	t.Skip(want)
}
