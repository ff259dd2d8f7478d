import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible } from '../../support/accessible.ts'
import { launchChromium, skipWithoutChromium } from '../../support/chromium.ts'
import { type FolderAnswer, put, removeDir, SyncGateway, tempDir, tree, until } from '../../support/sync-gateway.ts'

describe.skipIf(skipWithoutChromium())('folders in the web chat', { timeout: 240_000 }, () => {
  let dir: string
  let a: SyncGateway
  let b: SyncGateway
  let browser: Browser
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    dir = await tempDir()
    a = new SyncGateway(join(dir, 'a'))
    b = new SyncGateway(join(dir, 'b'), () => [a.gateway?.node.ticket() ?? ''])
    await a.start()
    await b.start()
    a.gateway?.node.connectTo(b.gateway?.node.addr() ?? (undefined as never))
    await b.call('POST', '/sync/devices', { node: a.id, name: 'Gateway A' })
    await a.call('POST', '/sync/devices', { node: b.id, name: 'Gateway B' })
    browser = await launchChromium()
    page = await (await browser.newContext({ bypassCSP: true })).newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(b.gateway?.url ?? '')
    await page.getByLabel('Your name').fill('Anna')
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByText('Connected').waitFor()
  }, 240_000)

  afterAll(async () => {
    await browser?.close()
    await b?.stop()
    await a?.stop()
    if (dir !== undefined) await removeDir(dir)
  }, 60_000)

  const run = async (text: string): Promise<void> => {
    await page.getByLabel('Message', { exact: true }).fill(text)
    await page.keyboard.press('Enter')
  }
  const last = (text: string) => page.locator('.message.answer', { hasText: text }).last()
  const meter = (name: RegExp) => page.locator('.message.answer').last().getByRole('progressbar', { name })

  async function offer(name: string, files: number): Promise<void> {
    const path = join(dir, 'at-a', name)
    for (let i = 0; i < files; i++) await put(path, `file ${i}.txt`, `${name} ${i}`)
    await a.call('POST', '/sync/folders', { name, path, devices: 'Gateway B' })
    await until('the invitation', async () =>
      (await b.call<readonly { name: string }[]>('GET', '/sync/invitations')).some((one) => one.name === name),
    )
  }

  it('are for administrators', async () => {
    await run('/sync folders')
    await last('only administrators may do this').waitFor()
    const entries = await b.call<readonly { command: string; actorKey: string }[]>('GET', '/audit')
    const key = entries.find(({ command }) => command === 'sync folders')?.actorKey ?? ''
    expect(key).toMatch(/^web:/)
    await b.call('POST', '/access/admin', { account: key })
    await run('/sync folders')
    await last('No folders.').waitFor()
  })

  it('are accepted from the list, and a picture follows how far they are', async () => {
    await offer('Photos', 40)
    await run('/sync folders')
    await page.getByRole('button', { name: 'Accept Photos' }).waitFor()
    await expectAccessible(page, 'an invitation')
    await page.getByRole('button', { name: 'Accept Photos' }).click()
    await last('Accepted: Photos').waitFor()
    await run('/sync folders')
    // The same answer until everything has come, without asking again.
    await meter(/Photos: 40 of 40 files in step/).waitFor()
    expect(await meter(/Photos/).evaluate((bar) => [bar.getAttribute('value') ?? '', bar.getAttribute('max') ?? ''])).toEqual([
      '40',
      '40',
    ])
    await last('in step, 40 files').waitFor()
    await expectAccessible(page, 'folders')
    expect(Object.keys(await tree(join(dir, 'b', 'folders', 'Photos')))).toHaveLength(40)
  })

  it('show what waits, and are looked at again with a button', async () => {
    const [{ id }] = (await b.call<{ folders: readonly [FolderAnswer] }>('GET', '/sync/folders')).folders
    await b.call('PATCH', `/sync/folders/${id}`, { mode: 'passive' })
    await put(join(dir, 'at-a', 'Photos'), 'one more.txt', 'one more')
    await until('the entry', async () => (await b.folder(id)).toTake === 1)
    await page.getByRole('button', { name: 'Look again' }).last().click()
    await meter(/Photos: 40 of 41 files in step/).waitFor()
    await last('1 to fetch').waitFor()
    // The answer was replaced under the button.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Look again')
  })

  it('are rejected from the list', async () => {
    await offer('Letters', 1)
    await run('/sync folders')
    await page.getByRole('button', { name: 'Reject Letters' }).click()
    await last('Rejected: Letters').waitFor()
    expect(await b.call('GET', '/sync/invitations')).toEqual([])
    expect(problems).toEqual([])
  })
})
