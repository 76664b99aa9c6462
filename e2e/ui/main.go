// Ui opens a page in headless Chromium, waits until some text is on it, prints what is to be read
// there and in the attributes that icons carry, and leaves a screenshot:
//
//	ui URL TEXT PICTURE
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: ui URL TEXT PICTURE")
		os.Exit(2)
	}
	if err := look(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "ui:", err)
		os.Exit(1)
	}
}

func look(url, text, picture string) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var html string
	var png []byte
	var there bool
	err := chromedp.Run(ctx,
		chromedp.Navigate(url),
		chromedp.Poll(`document.body.innerText.includes(`+fmt.Sprintf("%q", text)+`)`, &there, chromedp.WithPollingTimeout(45*time.Second)),
		chromedp.Sleep(500*time.Millisecond), // icons are drawn after the text
		chromedp.OuterHTML("body", &html),
		chromedp.CaptureScreenshot(&png))
	if err != nil {
		return fmt.Errorf("wait for %q on %s: %w", text, url, err)
	}
	fmt.Println(html)
	return os.WriteFile(picture, png, 0o644)
}
