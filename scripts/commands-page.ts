import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nullLogger } from '../src/base/logger.ts'
import { commandsPage } from '../src/gateway/commands/describe.ts'
import { startGateway } from '../src/gateway/compose.ts'
import { configSchema } from '../src/gateway/config/schema.ts'

/** Writes `docs/commands.md` from the commands of a real gateway; a test compares it. */
const page = fileURLToPath(new URL('../docs/commands.md', import.meta.url))
const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-docs-'))
const config = configSchema.parse({ dataDir, http: { port: 0 }, node: { mode: 'loopback' } })
const gateway = await startGateway({ config, log: nullLogger }, new AbortController().signal)
await writeFile(page, commandsPage(gateway.commands.commands))
await gateway.stop()
await rm(dataDir, { recursive: true, force: true })
process.exit()
