// Ui opens a page in headless Chromium, waits until some text is on it, prints what is to be read
// there and in the attributes that icons carry, and leaves a screenshot:
//
//	ui URL TEXT PICTURE
//
// Where UI_TOKEN is set, it is logged in with that token; where UI_PRESS is, it presses the button of
// that name before it looks.
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
		login(url, os.Getenv("UI_TOKEN")),
		chromedp.Navigate(url),
		chromedp.Poll(`document.body.innerText.includes(`+fmt.Sprintf("%q", text)+`)`, &there, chromedp.WithPollingTimeout(45*time.Second)),
		chromedp.Sleep(500*time.Millisecond), // icons are drawn after the text
		press(os.Getenv("UI_PRESS")),
		chromedp.OuterHTML("body", &html),
		chromedp.CaptureScreenshot(&png))
	if err != nil {
		return fmt.Errorf("wait for %q on %s: %w", text, url, err)
	}
	fmt.Println(html)
	return os.WriteFile(picture, png, 0o644)
}

// login leaves a token where the UI keeps the one that somebody typed.
func login(url, token string) chromedp.Tasks {
	if token == "" {
		return nil
	}
	stored := fmt.Sprintf(`{"AccessorID": "of-a-test", "SecretID": %q}`, token)
	return chromedp.Tasks{
		chromedp.Navigate(url),
		chromedp.Evaluate(fmt.Sprintf(`localStorage.setItem("consul:token", %q)`, stored), nil),
	}
}

// press presses a button, and gives what follows the time to show.
func press(button string) chromedp.Tasks {
	if button == "" {
		return nil
	}
	return chromedp.Tasks{
		chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll("button")].find(b => b.innerText.trim() === %q).click()`, button), nil),
		chromedp.Sleep(1500 * time.Millisecond),
	}
}
