/** Import directions (see docs/architecture.md). Each rule names the folder that must stay closed. */
const BUILTIN_PURE = '^(events|timers|timers/promises|perf_hooks|crypto|async_hooks)$'

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'base-alone', severity: 'error', from: { path: '^src/base' }, to: { path: '^(src/(?!base)|node_modules)' } },
    {
      name: 'base-builtins',
      severity: 'error',
      from: { path: '^src/base' },
      to: { dependencyTypes: ['core'], pathNot: BUILTIN_PURE },
    },
    {
      name: 'rules-pure',
      comment: 'rules are pure: no I/O, no other layer',
      severity: 'error',
      from: { path: '^src/rules' },
      to: { path: '^(src/(core|bridges|gateway)|node_modules/(?!(zod|yaml|chrono-node|re2js|@noble/hashes)/))' },
    },
    { name: 'rules-no-builtins', severity: 'error', from: { path: '^src/rules' }, to: { dependencyTypes: ['core'] } },
    { name: 'core-closed', severity: 'error', from: { path: '^src/core' }, to: { path: '^src/(rules|bridges|gateway)' } },
    { name: 'bridges-closed', severity: 'error', from: { path: '^src/bridges' }, to: { path: '^src/(core|rules|gateway)' } },
    {
      name: 'bridge-siblings',
      severity: 'error',
      from: { path: '^src/bridges/(discord|telegram|webchat|p2p)/' },
      to: { path: '^src/bridges/(discord|telegram|webchat|p2p)/', pathNot: '^src/bridges/$1/' },
    },
    {
      name: 'one-door-to-iroh',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/core/net/iroh-[a-z-]+\\.ts$' },
      to: { path: 'node_modules/@number0/iroh' },
    },
    {
      name: 'one-door-to-discord',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/bridges/discord/' },
      to: { path: 'node_modules/(discord\\.js|@discordjs|discord-api-types)' },
    },
    {
      name: 'one-door-to-telegram',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/bridges/telegram/' },
      to: { path: 'node_modules/(grammy|@grammyjs)' },
    },
    {
      name: 'one-door-to-sql-and-jobs',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/gateway/(db|jobs)/' },
      to: { path: 'node_modules/(pg|@electric-sql|bullmq|ioredis)/' },
    },
    {
      name: 'pure-protocol',
      comment: 'protocol machines take time, randomness and effects as arguments',
      severity: 'error',
      from: { path: '^src/core/(gossip/proto|docs/proto|blobs/tree|wire)' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-protocol-local',
      severity: 'error',
      from: { path: '^src/core/(gossip/proto|docs/proto|blobs/tree|wire)' },
      to: { path: '^src/(core/(net|node)|gateway|bridges)|node_modules/(?!@noble/)' },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src', pathNot: '(/index\\.ts|main\\.ts|\\.mjs|-worker\\.ts|\\.js)$' },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
