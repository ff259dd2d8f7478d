import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { Secret } from '../../../src/base/secret.ts'
import { KvDocStore, lmdbMap, writeCapability } from '../../../src/core/docs/index.ts'
import { createKeyFile, decodeHandOver, type Identity, loadKeyFile, newIdentity } from '../../../src/core/index.ts'
import { KEY_FILE } from '../../../src/gateway/config/paths.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { webhookRegistry } from '../../../src/gateway/db/repos/webhooks.ts'
import { createSealer } from '../../../src/gateway/db/sealer.ts'
import { secretBox } from '../../../src/gateway/docs/secret-box.ts'
import { databaseConfig, lockPart } from '../../../src/gateway/groundwork.ts'
import { type RotationStep, rotateKey } from '../../../src/gateway/rotation/rotate.ts'

const TOKEN = 'webhook-canary-0123456789'
const TICKET = 'docticket-canary-0123456789'
const TIMEOUT = 300_000

let dir: string
let old: Identity
const config = () => configSchema.parse({ dataDir: dir })
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-rotate-'))
  old = newIdentity(cryptoRng)
  await createKeyFile(join(dir, KEY_FILE), old)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A gateway's stores with one secret of each kind. */
async function fill(): Promise<void> {
  const db = await openDatabase(databaseConfig(config()))
  const sealer = createSealer(old.seed())
  await webhookRegistry({ pool: db.pool, sealer, now: () => 1, log: nullLogger }).save({
    account: 'main',
    channel: '1',
    id: '2',
    token: new Secret(TOKEN),
  })
  await db.pool.query(
    `insert into k2.sync_invite (gateway, folder, peer, name, ticket, state, at) values ($1, 'f', 'p', 'n', $2, 'pending', 1)`,
    [old.id, sealer.seal(TICKET)],
  )
  // Of another gateway on the same database.
  await db.pool.query(`insert into k2.webhook (account, channel, id, token, created_at) values ('else', '1', '2', 'sealed', 1)`)
  await db.close()
  const store = await KvDocStore.open(await lmdbMap(join(dir, 'docs')), secretBox(old.seed()))
  await store.putCapability(writeCapability(new Uint8Array(32).fill(3)))
  await store.close()
}

/** What the stores give to the key in the folder. */
async function look() {
  const identity = await loadKeyFile(join(dir, KEY_FILE))
  const db = await openDatabase(databaseConfig(config()))
  const sealer = createSealer(identity.seed())
  const hooks = await webhookRegistry({ pool: db.pool, sealer, now: () => 1, log: nullLogger }).list('main')
  const { rows } = await db.pool.query<{ gateway: string; ticket: string }>('select gateway, ticket from k2.sync_invite')
  const others = (await db.pool.query<{ token: string }>(`select token from k2.webhook where account = 'else'`)).rows
  await db.close()
  const store = await KvDocStore.open(await lmdbMap(join(dir, 'docs')), secretBox(identity.seed()))
  const capabilities = await store.capabilities()
  await store.close()
  return {
    id: identity.id,
    token: hooks[0]?.token.reveal(),
    invites: rows.map((row) => [row.gateway, sealer.open(row.ticket)]),
    others: others.map((row) => row.token),
    capabilities: capabilities.length,
  }
}

const whole = (id: string) => ({ id, token: TOKEN, invites: [[id, TICKET]], others: ['sealed'], capabilities: 1 })

describe('changing the key', { timeout: TIMEOUT }, () => {
  test('leaves every sealed value readable and every row to the node', async () => {
    await fill()
    const done = await rotateKey({ config: config(), rng: cryptoRng, now: 1000 })
    expect(done).toMatchObject({ from: old.id, secrets: 3, rows: 1 })
    expect(await look()).toEqual(whole(done.to))
    expect(decodeHandOver(await readFile(done.handOver, 'utf8'))).toEqual({ from: old.id, to: done.to, at: 1000 })
    expect((await loadKeyFile(done.kept)).id).toBe(old.id)
    expect((await readdir(dir)).filter((name) => name.endsWith('.next'))).toEqual([])
  })

  test.each(['keys', 'database', 'documents'] as const)('goes on where it was killed behind its step %s', async (killedAt) => {
    await fill()
    const dying = (step: RotationStep): void => {
      if (step === killedAt) throw new Error('killed')
    }
    await expect(rotateKey({ config: config(), rng: cryptoRng, now: 1000, onStep: dying })).rejects.toThrow('killed')
    expect((await loadKeyFile(join(dir, KEY_FILE))).id).toBe(old.id)
    await expect(lockPart(dir, systemClock)).rejects.toMatchObject({ code: 'KEY_ROTATION_UNFINISHED' })
    const done = await rotateKey({ config: config(), rng: cryptoRng, now: 2000 })
    expect(await look()).toEqual(whole(done.to))
    expect(decodeHandOver(await readFile(done.handOver, 'utf8'))).toMatchObject({ from: old.id, to: done.to })
  })
})
