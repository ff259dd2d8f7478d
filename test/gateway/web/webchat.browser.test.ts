import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../../scripts/demo/stage.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { launchChromium, skipWithoutChromium } from '../../support/chromium.ts'

describe.skipIf(skipWithoutChromium())('the web chat in a browser', () => {
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

  async function enter(name: string, room: string, viewport = { width: 1000, height: 800 }): Promise<Page> {
    const page = await (await browser.newContext({ viewport })).newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(stage.gateway.url)
    await page.getByLabel('Your name').fill(name)
    await page.locator('#first-room').selectOption(room)
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.locator('#chat').waitFor({ state: 'visible' })
    return page
  }

  const say = async (page: Page, text: string): Promise<void> => {
    await page.locator('#composer textarea, #composer input[type=text], #text').first().fill(text)
    await page.keyboard.press('Enter')
  }
  const log = (page: Page) => page.getByRole('log')

  it('shows the offer of a K2 peer as a card', async () => {
    const page = await enter('Ada', 'Goods')
    await log(page).getByText('ThinkPad X1 Carbon').first().waitFor()
    await page.context().close()
  })

  it('a line typed in the page reaches a K2 peer, and its answer is read there', async () => {
    const page = await enter('Ada', 'Goods')
    await say(page, 'Is it still available?')
    await log(page).getByText('You said “Is it still available?”').waitFor()
    await page.context().close()
  })

  it('two people see each other’s lines, on a phone too', async () => {
    const [ada, ben] = [await enter('Ada', 'Goods'), await enter('Ben', 'Goods', { width: 360, height: 640 })]
    await say(ada, 'Hello from a desk')
    await log(ben).getByText('Hello from a desk', { exact: true }).waitFor()
    await say(ben, 'Hello from a phone')
    await log(ada).getByText('Hello from a phone', { exact: true }).waitFor()
    const overflow = await ben.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
    expect(overflow).toBe(false)
    await Promise.all([ada.context().close(), ben.context().close()])
  })

  it('direct messages with a contact have a room of their own', async () => {
    const page = await enter('Ada', 'anna')
    await say(page, 'Hello Anna')
    await log(page).getByText('I read: “Hello Anna”').waitFor()
    await page.context().close()
  })

  it('markup in a line stays text', async () => {
    const page = await enter('Eve', 'Digital Assets')
    await say(page, '<img src=x onerror=document.title=1><b>bold</b>')
    await log(page).getByText('<img src=x').first().waitFor()
    expect(await page.title()).not.toBe('1')
    await page.context().close()
  })

  it('nothing was reported in the console', () => {
    expect(complaints).toEqual([])
  })
})
