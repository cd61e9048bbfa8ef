package server

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// alive says that the process answers; it asks nobody.
func (s *Server) alive(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether the process can serve. To strangers it names what is missing, never why.
func (s *Server) ready(c echo.Context) error {
	problems := map[string]string{}
	if err := s.Store.Ping(c.Request().Context()); err != nil {
		problems["database"] = "does not answer"
	}
	if len(s.Grant.Ring().Algs(time.Now())) == 0 {
		problems["keys"] = "no signing key is in use"
	}
	if len(problems) > 0 {
		return c.JSON(http.StatusServiceUnavailable, map[string]any{"status": "not ready", "missing": problems})
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// Admin is what IDP_ADMIN_LISTEN serves: health, metrics, profiling. It is not for the public.
func (s *Server) Admin() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	e := echo.New()
	e.GET("/healthz", s.alive)
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	e.GET("/debug/pprof/*", echo.WrapHandler(http.HandlerFunc(pprof.Index)))
	e.GET("/debug/pprof/profile", echo.WrapHandler(http.HandlerFunc(pprof.Profile)))
	e.GET("/debug/pprof/trace", echo.WrapHandler(http.HandlerFunc(pprof.Trace)))
	return e
}
