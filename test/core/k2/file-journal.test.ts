import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FileJournal } from '../../../src/core/k2/file-journal.ts'
import { topicIdOfName } from '../../../src/core/k2/topics.ts'
import { A } from './fixtures.ts'

const topic = topicIdOfName('Goods')
let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-journal-'))
  path = join(directory, 'peers', 'sent.jsonl')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('a line sent before a restart is found again, with its last attempt', async () => {
  const before = await FileJournal.open(path)
  await before.record({ key: 'a', topic, sentAt: 1000, attempts: 1 })
  await before.record({ key: 'b', topic, sentAt: 1001, attempts: 1 })
  await before.record({ key: 'a', topic, sentAt: 1000, attempts: 2 })
  await before.noteConfirmers([{ peer: A, topic }])
  // No close: the process was killed.
  const after = await FileJournal.open(path)
  expect(after.find('a')).toEqual({ key: 'a', topic, sentAt: 1000, attempts: 2 })
  expect(after.restored().confirmers).toEqual([{ peer: A, topic }])
  expect(after.restored().lines.map((line) => line.key)).toEqual(['b', 'a'])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await after.close()
  await before.close()
})

test('a cut last line and foreign lines cost nothing else', async () => {
  const before = await FileJournal.open(path)
  await before.record({ key: 'a', topic, sentAt: 1000, attempts: 1 })
  await before.close()
  await appendFile(path, 'nonsense\n{"k":5}\n{"c":[["x"]]}\nnull\n{"k":"b","t":"')
  const after = await FileJournal.open(path)
  expect(after.find('a')).toBeDefined()
  expect(after.find('b')).toBeUndefined()
  await after.record({ key: 'c', topic, sentAt: 1, attempts: 1 })
  await after.close()
  expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(3)
})

test('keeps the last 5,000 lines', async () => {
  const line = (i: number): string => `${JSON.stringify({ k: `key${i}`, t: topic, s: i, n: 1 })}\n`
  await mkdir(join(directory, 'peers'))
  await writeFile(path, Array.from({ length: 5100 }, (_, i) => line(i)).join(''))
  const journal = await FileJournal.open(path)
  expect(journal.find('key99')).toBeUndefined()
  expect(journal.find('key100')).toBeDefined()
  await journal.close()
})

test('repeated attempts do not make the file grow without end', async () => {
  const journal = await FileJournal.open(path, 2000)
  await journal.noteConfirmers([{ peer: A, topic }])
  for (let i = 1; i <= 100; i++) await journal.record({ key: 'a', topic, sentAt: 1, attempts: i })
  await journal.close()
  expect((await stat(path)).size).toBeLessThan(2300)
  const again = await FileJournal.open(path)
  expect(again.find('a')).toMatchObject({ attempts: 100 })
  expect(again.restored().confirmers).toHaveLength(1)
  await again.close()
})

test('a folder that cannot be made is a clear error', async () => {
  await writeFile(join(directory, 'peers'), '')
  await expect(FileJournal.open(path)).rejects.toThrow(expect.objectContaining({ code: 'K2_JOURNAL' }))
})
