import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayProcess } from '../support/gateway-process.ts'

/** What is said on standard error goes to a disk without room. */
const FULL = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh']

describe.skipIf(process.platform !== 'linux')('a gateway whose log goes to a full disk', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-full-log-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it.each(['never', 'always'])('starts, serves and stops in order (pretty: %s)', async (pretty) => {
    const config = {
      node: { mode: 'loopback' },
      web: { enabled: false },
      market: { enabled: false },
      log: { level: 'debug', pretty },
    }
    const gateway = await GatewayProcess.prepare(folder, `full-${pretty}`, config, {}, FULL)
    try {
      const { url } = await gateway.start()
      for (let n = 0; n < 20; n++) expect((await fetch(new URL('/health/live', url))).status).toBe(200)
      expect(await gateway.stop()).toBe(0)
    } finally {
      await gateway.kill()
    }
  })
})
