import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible } from '../../support/accessible.ts'
import { launchChromium, skipWithoutChromium } from '../../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../commands/support.ts'

describe.skipIf(skipWithoutChromium())('commands in the web chat', () => {
  let browser: Browser
  let t: TestGateway
  const problems: string[] = []

  beforeAll(async () => {
    t = await startTestGateway()
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
  })

  const open = async (name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> => {
    const page = await (await browser.newContext({ ...options, bypassCSP: true })).newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(t.gateway.url)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByText('Connected').waitFor()
    return page
  }
  const box = (page: Page) => page.getByLabel('Message', { exact: true })
  const run = async (page: Page, text: string): Promise<void> => {
    await box(page).fill(text)
    await page.keyboard.press('Enter')
  }
  const answer = (page: Page, text: string) => page.locator('.message.answer', { hasText: text }).last()
  it('are completed with the keyboard and answered for the person alone', async () => {
    const ann = await open('Ann')
    const bo = await open('Bo')
    await box(ann).pressSequentially('/top')
    await ann.getByRole('option', { name: '/topic list' }).waitFor()
    await expectAccessible(ann, 'with completions')
    await ann.keyboard.press('ArrowDown')
    await ann.keyboard.press('Tab')
    expect(await box(ann).inputValue()).toBe('/topic list')
    await ann.keyboard.press('Escape')
    await ann.keyboard.press('Enter')
    await answer(ann, 'Goods: 0 neighbours').waitFor()
    expect(await bo.locator('.message').count()).toBe(0)
    await ann.getByRole('button', { name: 'Dismiss this answer' }).click()
    expect(await ann.locator('.message.answer').count()).toBe(0)
    await expectAccessible(ann, 'afterwards')
  })

  it('lead a newcomer from /help', async () => {
    const ann = await open('Cleo')
    await run(ann, '/k2 help')
    const help = answer(ann, 'Welcome to K2')
    await help.waitFor()
    expect(await help.textContent()).toContain('First steps')
    await expectAccessible(ann, 'help')
    await run(ann, '/help topic list')
    await answer(ann, '/k2 topic list').waitFor()
    await run(ann, '/topic join Anything')
    await answer(ann, 'only administrators may do this').waitFor()
  })

  it('ask for what is missing in a dialogue, and show pictures', async () => {
    const ann = await open('Dana')
    await run(ann, '/qr')
    const dialog = ann.getByRole('dialog')
    await dialog.waitFor()
    await expectAccessible(ann, 'dialogue')
    await dialog.getByRole('textbox').fill('https://example.org/')
    await dialog.getByRole('button', { name: 'Continue' }).click()
    const picture = ann.locator('.message.answer img')
    await picture.waitFor()
    await expect
      .poll(() => picture.evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth))
      .toBeGreaterThan(200)
    expect(await picture.getAttribute('alt')).toBe('qr.png')
  })

  it('ask before what cannot be undone, with buttons', async () => {
    const ann = await open('Eli')
    await run(ann, '/unlink')
    await ann.getByRole('button', { name: 'Yes, do it' }).waitFor()
    await expectAccessible(ann, 'buttons')
    await ann.getByRole('button', { name: 'Cancel' }).click()
    await answer(ann, 'Nothing was done').waitFor()
    expect(await ann.getByRole('button', { name: 'Yes, do it' }).count()).toBe(0)
  })

  it('link accounts by a code', async () => {
    const [a, b] = [await open('Fay'), await open('Gus')]
    await run(a, '/link')
    const text = await answer(a, 'Your code').textContent()
    const code = /Your code: (\w{8})/.exec(text ?? '')?.[1] ?? ''
    await run(b, '/link WRONG234')
    await answer(b, 'This code is not valid').waitFor()
    await run(b, `/link ${code.toLowerCase()}`)
    await answer(b, 'belong together now').waitFor()
  })

  it('leave lines with a slash that are no commands to the room', async () => {
    const ann = await open('Hal')
    await run(ann, '/shrug whatever')
    await ann.locator('#messages .message .body', { hasText: '/shrug whatever' }).waitFor()
  })

  it('fit a phone', async () => {
    const ann = await open('Ida', { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true })
    await box(ann).pressSequentially('/')
    await ann.locator('#completions').getByRole('option').first().waitFor()
    await ann.getByRole('option', { name: '/node status' }).tap()
    await ann.getByRole('button', { name: 'Send' }).tap()
    await answer(ann, 'Gateway').waitFor()
    expect(await ann.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    expect(problems).toEqual([])
  })
})
