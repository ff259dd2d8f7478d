import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-eval-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** One run of the command over these rows; the bytes it wrote. */
async function evaluated(rows: readonly object[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [input, output] = [join(dir, 'in.jsonl'), join(dir, 'out.jsonl')]
  await writeFile(input, rows.map((row) => JSON.stringify(row)).join('\n'))
  await run(process.execPath, ['--import', 'tsx', 'scripts/eval.ts', '--in', input, '--out', output], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  return readFile(output, 'utf8')
}

const ROWS = [
  { id: 'a', platform: 'discord', text: 'WTS 2 tickets, $40 each\nLeeds' },
  { id: 'b', platform: 'telegram', text: 'ищу ноутбук до 30к' },
  { id: 'c', platform: 'web', text: 'good morning everyone' },
  { id: 'd', platform: 'discord', text: 'BİSİKLET FOR SALE, 90 eur' },
  { id: 'e', platform: 'telegram', text: 'cần bán iPhone 12, 8tr5, Hà Nội' },
]
const KEYS = [
  'id',
  'intent',
  'confidence',
  'item',
  'price_min',
  'price_max',
  'currency',
  'quantity',
  'location',
  'condition',
  'topic',
]

it('the eval command writes a line per row, and neither labels nor the machine change a byte', { timeout: 120_000 }, async () => {
  const plain = await evaluated(ROWS)
  const lines = plain
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.map((l) => l.id)).toEqual(ROWS.map((r) => r.id))
  for (const line of lines) expect(KEYS).toEqual(expect.arrayContaining(Object.keys(line)))
  expect(lines[0]).toMatchObject({ intent: 'sell', price_min: 40, price_max: 40, currency: 'USD', quantity: 2 })
  expect(lines[1]).toMatchObject({ intent: 'buy', price_max: 30_000, currency: 'RUB' })
  expect(lines[2]).toMatchObject({ intent: 'none' })
  expect(lines[4]).toMatchObject({ intent: 'sell', price_max: 8_500_000, currency: 'VND' })
  const labelled = ROWS.map((row) => ({ ...row, lang: 'pt', source: 'x', expected: { intent: 'exchange', price_max: 1 } }))
  expect(await evaluated(labelled)).toBe(plain)
  const elsewhere = { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }
  expect(await evaluated(ROWS, elsewhere)).toBe(plain)
})

it('without files it says how it is used and fails', { timeout: 60_000 }, async () => {
  await expect(run(process.execPath, ['--import', 'tsx', 'scripts/eval.ts'], { cwd: ROOT })).rejects.toMatchObject({ code: 2 })
})
