// Package web is what the faces share of everything people see: the layout, the catalogue of texts, the sheet and the
// script, the security headers, the error and logout pages, languages and times.
//
// A face has a folder templates (one file a page), a folder texts (words of its pages in both languages) and one struct a page,
// which embeds Frame. A handler asks the Site for a Frame, fills it, and renders:
//
//	f := site.Frame(r, uiLocales, now)
//	f.Request, f.Service = string(req.ID), &web.Service{Name: client.Shown(), Host: idp.Host(req.RedirectURI)}
//	f.FormOrigin = idp.Origin(req.RedirectURI)
//	return site.Render(w, http.StatusUnprocessableEntity, LoginPage{Frame: f.With(err), Login: typed})
//
// The rules of the pages are DESIGN.md; package webtest holds every face's gallery to them.
package web
