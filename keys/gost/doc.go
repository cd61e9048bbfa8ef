// Package gost has the Russian algorithms that ESIA and its clients sign with.
package gost
