import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nullLogger } from '../../../src/base/logger.ts'
import { readControlFile } from '../../../src/gateway/cli/control-file.ts'
import { startGateway } from '../../../src/gateway/compose.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import type { Gateway } from '../../../src/gateway/gateway.ts'
import { createLogger } from '../../../src/gateway/observe/logger.ts'

export interface TestGateway {
  readonly gateway: Gateway
  readonly dataDir: string
  /** A call to `/api/v1`, with the admin token. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>
  stop(): Promise<void>
}

/** A whole gateway in this process: embedded database, node on loopback, any port. */
export async function startTestGateway(config: object = {}): Promise<TestGateway> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-commands-'))
  const full = configSchema.parse({
    dataDir,
    instance: 'test',
    http: { port: 0 },
    node: { mode: 'loopback', topics: ['Goods'] },
    ...config,
  })
  const gateway = await startGateway(
    {
      config: full,
      log: process.env.K2_TEST_LOG ? createLogger({ level: 'debug', pretty: 'never', instance: 'test' }) : nullLogger,
    },
    new AbortController().signal,
  )
  const file = await readControlFile(dataDir)
  if (file === undefined) throw new Error('no control file')
  return {
    gateway,
    dataDir,
    async api(method, path, body, headers = {}) {
      const answer = await fetch(`${file.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${file.token.reveal()}`, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: await answer.json() }
    },
    async stop() {
      await gateway.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
