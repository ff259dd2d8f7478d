import { checkRoutes } from '../config/routes.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print } from './context.ts'

/** Validates the configuration without starting anything. Problems are thrown as `ConfigError` and printed by the program. */
export async function checkConfig(context: CliContext, options: GlobalOptions): Promise<number> {
  const { config, file } = loadFor(context, options, checkRoutes)
  const summary = {
    ok: true,
    file: file ?? null,
    dataDir: config.dataDir,
    accounts: Object.entries(config.accounts).flatMap(([network, accounts]) =>
      Object.keys(accounts).map((name) => `${network}/${name}`),
    ),
    routes: config.routes?.map((r) => r.id) ?? 'each topic with a web room of its name',
    rules: config.rules.length,
  }
  print(context, options, summary, () => `${file ?? 'no configuration file: built-in defaults'}: ok\n${describe(summary)}`)
  return EXIT.ok
}

function describe(summary: {
  dataDir: string
  accounts: readonly string[]
  routes: readonly string[] | string
  rules: number
}): string {
  return [
    `  data directory  ${summary.dataDir}`,
    `  accounts        ${summary.accounts.join(', ') || 'none (web chat only)'}`,
    `  routes          ${typeof summary.routes === 'string' ? summary.routes : summary.routes.join(', ')}`,
    `  rules           ${summary.rules}`,
  ].join('\n')
}
