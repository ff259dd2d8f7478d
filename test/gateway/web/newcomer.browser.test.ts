import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { offerForm } from '../../core/k2/fixtures.ts'
import { expectAccessible } from '../../support/accessible.ts'
import { startProvider, type TestProvider } from '../../support/blob-provider.ts'
import { launchChromium, skipWithoutChromium } from '../../support/chromium.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'
import { startTestGateway, type TestGateway } from '../commands/support.ts'

/** A person who has only this page, with a K2 user on the other side of the network; once with a thumb, once with keys. */
describe.skipIf(skipWithoutChromium())('a newcomer in the web chat', () => {
  let browser: Browser
  let berta: TestNode
  let provider: TestProvider
  let t: TestGateway
  const problems: string[] = []

  beforeAll(async () => {
    berta = await startTestNode({ topics: ['Goods'] })
    provider = await startProvider({ maxBytes: 1 << 20 })
    t = await startTestGateway({
      node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket], contacts: [{ name: 'berta', id: berta.id }] },
    })
    browser = await launchChromium()
    berta.node.addContact({ name: 'gateway', addr: t.gateway.node.addr() })
    await berta.neighbor('Goods', t.gateway.node.id)
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await t?.stop()
    await Promise.all([provider?.stop(), berta?.stop()])
  })

  const box = (page: Page) => page.getByLabel('Message', { exact: true })
  const answer = (page: Page, text: string | RegExp) => page.locator('.message.answer', { hasText: text }).last()
  const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }

  async function open(options: Parameters<Browser['newContext']>[0]): Promise<Page> {
    const page = await (await browser.newContext({ ...options, bypassCSP: true })).newPage()
    page.setDefaultTimeout(40_000)
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(t.gateway.url)
    return page
  }

  describe('on a phone, by touch', () => {
    let page: Page

    beforeAll(async () => {
      page = await open({ ...phone, colorScheme: 'dark' })
      await page.getByLabel('Your name').fill('Ann')
      await page.getByRole('button', { name: 'Enter' }).tap()
      await page.getByText('Connected').waitFor()
    }, 60_000)
    const send = () => page.getByRole('button', { name: 'Send', exact: true }).tap()

    it('finds the commands behind a button', async () => {
      await page.getByRole('button', { name: 'What you can do: commands' }).tap()
      await page.getByRole('option', { name: '/help' }).tap()
      await send()
      await answer(page, 'First steps').waitFor()
      await expectAccessible(page, 'help on a phone')
    })

    it('publishes an offer from the help', async () => {
      await answer(page, 'First steps').getByRole('button', { name: 'Begin the command /k2 sell', exact: true }).tap()
      expect(await box(page).inputValue()).toMatch(/^\/k2 sell/)
      await send()
      const form = page.getByRole('dialog')
      await form.getByLabel('What it is').fill('ThinkPad X1 Carbon')
      await form.getByLabel('Price').fill('700 USD')
      await expectAccessible(page, 'the form')
      await form.getByRole('button', { name: 'Continue' }).tap()
      const card = answer(page, 'ThinkPad X1 Carbon')
      await card.getByRole('button').first().waitFor()
      await expectAccessible(page, 'the question')
      await card.getByRole('button', { name: 'Yes', exact: true }).tap()
      const seen = await berta.message((m) => m.type === 'market')
      expect(JSON.stringify(seen)).toContain('ThinkPad')
    })

    it('sees what others offer, as a card and in the list', async () => {
      berta.node.publish({
        kind: 'offer',
        topic: 'Goods',
        form: { ...offerForm, title: 'Oak desk', brand: '', location: 'Berlin' },
      })
      await page.getByRole('log').getByText('Oak desk').first().waitFor()
      await expect
        .poll(
          async () => {
            await box(page).fill('/offers')
            await send()
            return answer(page, /Oak desk|offers/i).textContent()
          },
          { timeout: 60_000, interval: 4_000 },
        )
        .toContain('Oak desk')
    })

    it('writes to a contact', async () => {
      await box(page).fill('/dm send berta Is the desk still there?')
      await send()
      await berta.chat('Is the desk still there?')
      await answer(page, 'Sent to berta').waitFor()
    })

    it('fetches a file', async () => {
      const ticket = provider.add(new TextEncoder().encode('a plan of the desk'))
      await box(page).fill(`/file get plan.txt|${ticket}`)
      await send()
      const file = page.getByRole('link', { name: /plan\.txt/ }).last()
      const download = page.waitForEvent('download')
      await file.tap()
      expect((await download).suggestedFilename()).toBe('plan.txt')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
      await expectAccessible(page, 'with a file')
    })
  })

  it('does the same with keys alone', async () => {
    const page = await open({ viewport: { width: 1000, height: 800 } })
    await page.keyboard.type('Bo')
    await page.keyboard.press('Enter')
    await page.getByText('Connected').waitFor()
    await page.keyboard.type('/sel')
    await page.getByRole('option', { name: '/sell' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('Folding bike')
    await page.keyboard.press('Tab')
    await page.keyboard.type('250 EUR')
    await page.keyboard.press('Enter')
    const yes = answer(page, /folding bike/i).getByRole('button', { name: 'Yes', exact: true })
    await yes.waitFor()
    const focused = () => page.evaluate('document.activeElement.textContent')
    for (let i = 0; i < 10 && (await focused()) !== 'Yes'; i += 1) await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('Yes')
    await page.keyboard.press('Enter')
    await answer(page, '📣 On K2.').waitFor()
    const heard = () => JSON.stringify(berta.offers())
    await expect.poll(heard, { timeout: 40_000 }).toMatch(/folding bike/i)
    await page.context().close()
  })

  it('nothing was reported in the console', () => {
    expect(problems).toEqual([])
  })
})
