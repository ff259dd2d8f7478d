import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { IntentBook } from '../../../src/bridges/p2p/intent-book.ts'
import { IntentFile } from '../../../src/gateway/peers/index.ts'
import { NOW, offer } from '../../bridges/p2p/fixtures.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-intents-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('what was saved is loaded again, and nothing else is left behind', async () => {
  const book = new IntentBook()
  book.observe(offer({ hostId: 'c'.repeat(64), senderClass: 'hosted' }), NOW)
  const path = join(directory, 'peers', 'intents.json')
  await new IntentFile(path, nullLogger).save(book.snapshot())
  await new IntentFile(path, nullLogger).save(book.snapshot())
  expect(await new IntentFile(path, nullLogger).load()).toEqual(book.snapshot())
  expect(await readdir(join(directory, 'peers'))).toEqual(['intents.json'])
})

test.each(['', '{', '[{"nativeId":5}]', 'null'])('a file that cannot be read (%j) counts as empty', async (text) => {
  const path = join(directory, 'intents.json')
  await writeFile(path, text)
  expect(await new IntentFile(path, nullLogger).load()).toEqual([])
  expect(await new IntentFile(join(directory, 'missing.json'), nullLogger).load()).toEqual([])
})
