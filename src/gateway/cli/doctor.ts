import { access, constants, mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { withDeadline } from '../../base/async.ts'
import { errorCode, errorMessage, isK2Error, K2Error } from '../../base/errors.ts'
import { nullLogger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import { K2Node, newIdentity } from '../../core/index.ts'
import type { Config } from '../config/schema.ts'
import { openDatabase } from '../db/database.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { createJobBackend } from '../jobs/backend.ts'
import { nodeConfigOf } from '../node-config.ts'
import { scrub } from '../observe/logger.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print } from './context.ts'
import { readControlFile } from './control-file.ts'

/** One check may take this long, ms. */
const CHECK_MS = 15_000
/** A clock further off than this breaks freshness checks of K2 messages (10 min) sooner or later, ms. */
const MAX_CLOCK_SKEW_MS = 60_000

interface Finding {
  readonly check: string
  readonly ok: boolean
  /** What was found; for failures, what to do. */
  readonly detail: string
}

type Check = (config: Config) => Promise<string>

/** Checks what the gateway needs, one thing at a time, and says what to do. Changes nothing but the data directory's existence. */
export async function doctor(context: CliContext, options: GlobalOptions): Promise<number> {
  const { config } = loadFor(context, options)
  const running = await readControlFile(config.dataDir)
  const checks: [string, Check][] = [['data directory', checkDataDir]]
  if (running) {
    checks.push(['gateway', async () => `running as process ${running.pid} at ${running.url}: see "k2gw node status"`])
  } else {
    checks.push(['http port', checkHttp], ['database', checkStores], ['k2 node', checkNode])
  }
  if (config.queue.driver === 'redis') checks.push(['redis', checkRedis])
  for (const [account, { token, apiUrl }] of Object.entries(config.accounts.discord)) {
    checks.push([
      `discord ${account}`,
      () =>
        checkToken(
          `${apiUrl ?? 'https://discord.com/api'}/v10/users/@me`,
          { authorization: `Bot ${token.reveal()}` },
          'the bot page of the Discord developer portal',
        ),
    ])
  }
  for (const [account, { token, apiUrl }] of Object.entries(config.accounts.telegram)) {
    checks.push([
      `telegram ${account}`,
      () => checkToken(`${apiUrl ?? 'https://api.telegram.org'}/bot${token.reveal()}/getMe`, {}, '@BotFather'),
    ])
  }
  const findings: Finding[] = []
  for (const [check, work] of checks) {
    const finding = await withDeadline(work(config), { ms: CHECK_MS, what: check, signal: context.signal }).then(
      (detail): Finding => ({ check, ok: true, detail }),
      (error): Finding => ({ check, ok: false, detail: scrub(isK2Error(error) ? error.message : errorMessage(error)) }),
    )
    findings.push(finding)
    if (!options.json) context.out.write(`${finding.ok ? 'ok  ' : 'FAIL'}  ${check}: ${finding.detail}\n`)
  }
  const bad = findings.filter((f) => !f.ok).length
  print(context, options, { ok: bad === 0, findings }, () =>
    bad === 0 ? 'everything is in order' : `${bad} of ${findings.length} checks failed`,
  )
  return bad === 0 ? EXIT.ok : EXIT.failed
}

async function checkDataDir({ dataDir }: Config): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.R_OK | constants.W_OK)
    return dataDir
  } catch (cause) {
    throw failed(`${dataDir} cannot be written: change its owner, or set dataDir or K2_DATA_DIR`, cause)
  }
}

async function checkHttp({ http }: Config): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(failed(`${http.host}:${http.port} cannot be listened on: stop the other program, or set http.port`, cause)),
    )
    server.listen(http.port, http.host, resolve)
  })
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return `${http.host}:${http.port} is free`
}

async function checkStores(config: Config): Promise<string> {
  const lock = await acquireDirLock(join(config.dataDir, 'gateway.lock'))
  try {
    const { database, dataDir } = config
    const db = await openDatabase<unknown>(
      database.driver === 'embedded'
        ? { ...database, dir: join(dataDir, 'database') }
        : { ...database, url: database.url.reveal() },
    )
    try {
      const [row] = (await db.pool.query<{ now: string }>('select (extract(epoch from clock_timestamp()) * 1000)::bigint as now'))
        .rows
      const skew = Math.abs(Number(row?.now) - Date.now())
      if (skew > MAX_CLOCK_SKEW_MS)
        throw failed(`the clocks of this machine and of the database differ by ${Math.round(skew / 1000)} s: set them (NTP)`)
      return `${database.driver}, opens and is up to date`
    } finally {
      await db.close()
    }
  } finally {
    await lock.release()
  }
}

async function checkNode(config: Config): Promise<string> {
  // A throw-away identity: two endpoints under one id would disturb a gateway that runs elsewhere with this key.
  const node = new K2Node({
    identity: newIdentity(cryptoRng),
    config: { ...nodeConfigOf(config), topics: [], peers: [], contacts: [] },
    log: nullLogger,
  })
  try {
    await node.start()
    return `binds ${node.addr().direct.slice(0, 4).join(', ') || 'an address'} (mode ${config.node.mode})`
  } finally {
    await node.stop()
  }
}

async function checkRedis({ queue }: Config): Promise<string> {
  if (queue.driver !== 'redis') return 'not used'
  const backend = createJobBackend({ driver: 'redis', url: queue.url.reveal(), allowEviction: queue.allowEviction })
  try {
    await backend.start(AbortSignal.timeout(CHECK_MS))
    const health = backend.health()
    if (health.status !== 'ok') throw failed(`${health.reason}: start Redis, or set queue.driver to database`)
    return 'answers and keeps its keys'
  } finally {
    await backend.stop()
  }
}

async function checkToken(url: string, headers: Record<string, string>, where: string): Promise<string> {
  let answer: Response
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(CHECK_MS) })
  } catch (cause) {
    // The address may hold the token: it must not be repeated.
    throw failed(`the platform cannot be reached (${errorCode(cause)}): check the network and proxies`)
  }
  const skew = Math.abs(Date.parse(answer.headers.get('date') ?? '') - Date.now())
  await answer.body?.cancel()
  if (answer.status === 401 || answer.status === 404)
    throw failed(`the token is not valid (any more): get a new one from ${where}`)
  if (!answer.ok) throw failed(`the platform answered ${answer.status}`)
  if (skew > MAX_CLOCK_SKEW_MS) throw failed(`this machine's clock is off by ${Math.round(skew / 1000)} s: set it (NTP)`)
  return 'the token is valid'
}

function failed(message: string, cause?: unknown): K2Error {
  return new K2Error({ code: 'CLI_CHECK_FAILED', kind: 'network', message, cause })
}
