import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { nullLogger } from '../../../src/base/logger.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { MemoryWebChatStore, WEBCHAT_PAGES, WebChatBridge } from '../../../src/bridges/webchat/index.ts'
import { delivery, RecordingSink } from './support.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
const missing = !existsSync(CHROMIUM) && process.env.CI !== 'true'
if (missing) console.log(`skipped: no browser at ${CHROMIUM} (set CHROMIUM_PATH)`)
const never = new AbortController().signal

describe.skipIf(missing)('the page', () => {
  let browser: Browser
  let server: Server
  let sockets: WebSocketServer
  let bridge: WebChatBridge
  let sink: RecordingSink
  let url: string
  const problems: string[] = []
  const pages: Page[] = []

  const newBridge = (store = new MemoryWebChatStore()): void => {
    sink = new RecordingSink()
    bridge = new WebChatBridge({ sink, store, log: nullLogger, rooms: () => ['lobby', 'Goods'] })
  }

  const connect = (ws: WebSocket): void => {
    bridge.connect({
      remoteAddress: '127.0.0.1',
      send: (text) => ws.send(text),
      get bufferedBytes() {
        return ws.bufferedAmount
      },
      close: (code, reason) => ws.close(code, reason),
      onMessage: (handler) => ws.on('message', (data) => handler(String(data))),
      onClose: (handler) => ws.on('close', handler),
    })
  }

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(() => browser.close())

  beforeEach(async () => {
    newBridge()
    problems.length = 0
    server = createServer((req, res) => {
      const name = req.url === '/' ? '/index.html' : (req.url ?? '')
      readFile(new URL(`.${name}`, WEBCHAT_PAGES)).then(
        (body) => res.writeHead(200, { 'content-type': TYPES[extname(name)] ?? '', 'content-security-policy': CSP }).end(body),
        () => res.writeHead(404).end(),
      )
    })
    sockets = new WebSocketServer({ server, path: '/ws' })
    sockets.on('connection', connect)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((p) => p.context().close()))
    await bridge.stop()
    for (const ws of sockets.clients) ws.terminate()
    await new Promise((done) => server.close(done))
    expect(problems).toEqual([])
  })

  const open = async (name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    pages.push(page)
    page.setDefaultTimeout(15_000)
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (m) => {
      // The browser itself reports connections that failed on purpose.
      if (m.type() === 'error' && !/WebSocket connection/.test(m.text())) problems.push(m.text())
    })
    await page.goto(url)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByText('Connected').waitFor()
    // What is hidden must not be seen, whatever its layout.
    for (const id of ['#welcome', '#context', '#people', '#jump']) await page.locator(id).waitFor({ state: 'hidden' })
    return page
  }
  const say = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.keyboard.press('Enter')
  }
  const lines = (page: Page): Promise<string[]> => page.locator('#messages .message .body').allInnerTexts()
  const sees = (page: Page, text: string) => page.locator('#messages .message', { hasText: text }).waitFor()

  it('lets two people talk, reply, edit and delete by keyboard and mouse', async () => {
    const ann = await open('Ann')
    const bo = await open('Bo')
    await say(ann, 'hello <b>you</b> & https://e.org/x?y=1.')
    await sees(bo, 'hello <b>you</b>')
    expect(await bo.locator('#messages a').getAttribute('href')).toBe('https://e.org/x?y=1')
    await bo.locator('#messages .message').hover()
    await bo.getByRole('button', { name: 'Reply to Ann' }).click()
    await say(bo, 'hi Ann')
    await sees(ann, 'hi Ann')
    expect(await ann.locator('#messages .reply').textContent()).toContain('Ann: hello <b>you</b>')
    await ann.getByLabel('Message', { exact: true }).focus()
    await ann.keyboard.press('ArrowUp')
    await say(ann, 'hello all')
    await bo.locator('#messages .edited').waitFor()
    expect(await lines(bo)).toEqual(['hello all', 'hi Ann'])
    await ann.locator('#messages .message.own').hover()
    await ann.getByRole('button', { name: 'Delete this message' }).click()
    await bo.locator('#messages .message', { hasText: 'hello all' }).waitFor({ state: 'detached' })
    expect(await lines(bo)).toEqual(['hi Ann'])
    expect(sink.envelopes.map((e) => e.event.kind)).toEqual([
      'message.create',
      'message.create',
      'message.edit',
      'message.delete',
    ])
    expect(await ann.locator('#people-count').textContent()).toBe('2')
  })

  it('shows networks, styles and offer cards, and never markup of others', async () => {
    const ann = await open('Ann')
    const card = {
      kind: 'offer' as const,
      topic: 'Goods',
      title: '🏷 Offer: <i>Bike</i>',
      lines: ['Selling · 10 EUR'],
      intentKey: 'k',
    }
    const author = {
      key: 'p2p:ab',
      displayName: '<script>alert(1)</script>',
      isBot: false,
      kind: 'peer' as const,
      senderClass: 'claimed' as const,
    }
    await bridge.send(delivery('', { body: { rich: plain(''), attachments: [], card }, author }), never)
    const spans = [
      { kind: 'bold' as const, start: 0, end: 4 },
      { kind: 'spoiler' as const, start: 5, end: 11 },
      { kind: 'pre' as const, start: 12, end: 17 },
    ]
    await bridge.send(delivery('', { body: { rich: { text: 'bold secret\ncode!\nend', spans }, attachments: [] } }), never)
    await sees(ann, 'bold')
    expect(await ann.locator('.card h3').textContent()).toBe('🏷 Offer: <i>Bike</i>')
    expect(await ann.locator('.author').first().textContent()).toBe('<script>alert(1)</script>')
    expect(await ann.locator('.badge').allInnerTexts()).toEqual(['K2', 'unverified', 'Discord'])
    expect(await ann.locator('.body strong').textContent()).toBe('bold')
    expect(await ann.locator('.body pre').textContent()).toBe('code!')
    const spoiler = ann.getByRole('button', { name: 'Spoiler, show' })
    await spoiler.click()
    expect(await ann.locator('.spoiler').getAttribute('aria-pressed')).toBe('true')
  })

  it('loses and doubles nothing when the connection breaks and the page reloads in between', async () => {
    const ann = await open('Ann')
    await say(ann, 'one')
    await sees(ann, 'one')
    sink.fail = true
    await say(ann, 'two')
    await ann.locator('#pending .waiting', { hasText: 'two' }).waitFor()
    for (const ws of sockets.clients) ws.terminate()
    await say(ann, 'three')
    await ann.reload()
    await ann.locator('#pending .waiting', { hasText: 'three' }).waitFor()
    sink.fail = false
    await sees(ann, 'three')
    await ann.locator('#pending .waiting').first().waitFor({ state: 'detached' })
    expect(await lines(ann)).toEqual(['one', 'two', 'three'])
    expect(new Set(sink.envelopes.map((e) => e.eventId)).size).toBe(3)
  })

  it('comes back by itself after a restart of the gateway and catches up', async () => {
    const store = new MemoryWebChatStore()
    newBridge(store)
    const ann = await open('Ann')
    await say(ann, 'before')
    await sees(ann, 'before')
    await bridge.stop()
    await ann.getByText('Not connected').waitFor()
    newBridge(store)
    await bridge.send(delivery('meanwhile'), never)
    await ann.getByText('Connected', { exact: true }).waitFor()
    await sees(ann, 'meanwhile')
    expect(await lines(ann)).toEqual(['before', 'meanwhile'])
  })

  it('switches rooms, keeps the name over visits and changes it', async () => {
    const ann = await open('Ann')
    await ann.getByLabel('Room', { exact: true }).first().selectOption('Goods')
    await say(ann, 'in goods')
    await sees(ann, 'in goods')
    await ann.reload()
    await sees(ann, 'in goods')
    expect(await ann.getByLabel('Room', { exact: true }).first().inputValue()).toBe('Goods')
    await ann.getByRole('button', { name: 'You are Ann' }).click()
    await ann.getByLabel('Your name').fill('Anna')
    await ann.keyboard.press('Enter')
    await ann.getByRole('button', { name: 'You are Anna' }).waitFor()
    await say(ann, 'renamed')
    await sees(ann, 'renamed')
    expect(await ann.locator('.message', { hasText: 'renamed' }).locator('.author').textContent()).toBe('Anna')
  })

  it('fits a phone: nothing is wider than the screen and the field stays in view', async () => {
    const ann = await open('Ann', { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true })
    await bridge.send(delivery(`${'x'.repeat(400)} ${'long words '.repeat(60)}`), never)
    await sees(ann, 'long words')
    const width = await ann.evaluate('document.documentElement.scrollWidth')
    const field = await ann.getByLabel('Message', { exact: true }).boundingBox()
    expect(width).toBeLessThanOrEqual(360)
    expect((field?.y ?? 0) + (field?.height ?? 0)).toBeLessThanOrEqual(640)
    expect(field?.y).toBeGreaterThan(0)
    await ann.getByRole('button', { name: 'people here' }).tap()
    expect(await ann.locator('#people-list').textContent()).toContain('Ann (you)')
  })

  it('names every control, in light and in dark, with enough contrast', async () => {
    const ann = await open('Ann', { colorScheme: 'dark' })
    await bridge.send(delivery('hello'), never)
    await sees(ann, 'hello')
    const audit = await readFile(new URL('./audit.js', import.meta.url), 'utf8')
    for (const scheme of ['dark', 'light']) {
      const bad = await ann.evaluate(audit)
      expect(bad, scheme).toEqual([])
      await ann.getByRole('button', { name: 'Switch between light and dark' }).click()
    }
  })
})
