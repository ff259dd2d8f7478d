import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../../scripts/demo/stage.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { launchChromium, skipWithoutChromium } from '../../support/chromium.ts'
import { PNG } from '../../support/media.ts'

describe.skipIf(skipWithoutChromium())('files in the web chat', () => {
  let stage: Stage
  let browser: Browser
  const complaints: string[] = []

  beforeAll(async () => {
    ;[stage, browser] = await Promise.all([
      openStage({ log: nullLogger, port: 0, signal: new AbortController().signal }),
      launchChromium(),
    ])
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await stage?.stop()
  })

  async function enter(name: string, viewport = { width: 1000, height: 800 }): Promise<Page> {
    const page = await (await browser.newContext({ viewport })).newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(stage.gateway.url)
    await page.getByLabel('Your name').fill(name)
    await page.locator('#first-room').selectOption('Goods')
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.locator('#chat').waitFor({ state: 'visible' })
    return page
  }
  const log = (page: Page) => page.getByRole('log')

  it('a picture is uploaded with a button, shown to others, and a phone has room for it', async () => {
    const [ada, ben] = [await enter('Ada'), await enter('Ben', { width: 360, height: 640 })]
    await ada.getByRole('button', { name: 'Add files' }).waitFor()
    await ada.locator('#attach-input').setInputFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: PNG })
    await ada.locator('#uploads').getByText('ready').waitFor()
    await ada.locator('#text').fill('one pixel')
    await ada.keyboard.press('Enter')
    await log(ben).getByText('one pixel', { exact: true }).waitFor()
    const picture = log(ben).getByRole('img', { name: 'pixel.png' })
    await picture.waitFor()
    await expect.poll(() => ben.evaluate('document.querySelector(".files img").naturalWidth')).toBe(1)
    expect(await ada.locator('#uploads').isHidden()).toBe(true)
    expect(await ben.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')).toBe(false)
    await Promise.all([ada.context().close(), ben.context().close()])
  })

  it('a file without words is sent; what could run is only ever downloaded', async () => {
    const page = await enter('Eve')
    const html = Buffer.from('<html><script>document.title = "owned"</script></html>')
    await page.locator('#attach-input').setInputFiles({ name: 'page.html', mimeType: 'text/html', buffer: html })
    await page.locator('#uploads').getByText('ready').waitFor()
    await page.locator('#send').click()
    const link = log(page).getByRole('link', { name: /page\.html/ })
    await link.waitFor()
    const url = new URL((await link.getAttribute('href')) as string, stage.gateway.url)
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).not.toMatch(/html/)
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(answer.headers.get('content-security-policy')).toMatch(/sandbox/)
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(html)
    expect((await fetch(url, { headers: { range: 'bytes=1-4' } })).status).toBe(206)
    await page.context().close()
  })

  it('a dropped and a pasted file are taken; one can be removed again', async () => {
    const page = await enter('Dan')
    await page.evaluate(`{
      const data = new DataTransfer()
      data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }))
      document.getElementById('chat').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
      const pasted = new DataTransfer()
      pasted.items.add(new File(['pasted'], 'pasted.txt', { type: 'text/plain' }))
      document.getElementById('text').dispatchEvent(new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true }))
    }`)
    await expect.poll(() => page.locator('#uploads').getByText('ready').count()).toBe(2)
    await page.getByRole('button', { name: 'Remove dropped.txt' }).click()
    await page.locator('#send').click()
    await log(page)
      .getByRole('link', { name: /pasted\.txt/ })
      .waitFor()
    expect(
      await log(page)
        .getByRole('link', { name: /dropped\.txt/ })
        .count(),
    ).toBe(0)
    await page.context().close()
  })

  it('/file share makes a ticket of the upload that waits, or asks for a file', async () => {
    const page = await enter('Flo')
    const choose = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(`content of ${name}`) })
    await page.locator('#attach-input').setInputFiles(choose('waits.txt'))
    await page.locator('#uploads').getByText('ready').waitFor()
    await page.locator('#text').fill('/file share')
    await page.keyboard.press('Enter')
    await page.getByText(/waits\.txt\|blob[a-z2-7]+/).waitFor()
    expect(await page.locator('#uploads').isHidden()).toBe(true)
    const chooser = page.waitForEvent('filechooser')
    await page.locator('#text').fill('/file share')
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(choose('chosen.txt'))
    await page.getByText(/chosen\.txt\|blob[a-z2-7]+/).waitFor()
    await page.context().close()
  }, 60_000)

  it('strangers cannot upload, and nothing is served that no message has', async () => {
    const { url } = stage.gateway
    const put = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/chat/files?name=x`, { method: 'POST', body: 'x', headers })
    expect((await put({ 'x-upload-token': '0'.repeat(48) })).status).toBe(403)
    expect((await put({ origin: 'https://evil.example', 'x-upload-token': '0'.repeat(48) })).status).toBe(403)
    expect((await fetch(`${url}/chat/files/Goods/aaaaaaaaaaaaaaaa/0`)).status).toBe(404)
    expect((await fetch(`${url}/chat/files/Goods/..%2f..%2fidentity.json/0`)).status).toBe(404)
  })

  it('nothing was reported in the console', () => {
    expect(complaints).toEqual([])
  })
})
