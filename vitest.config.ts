import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const CI = process.env.CI === 'true'
/** A full run has thousands of tests: one second try each, which the closing lines list with its reason. By hand there is none. */
const shared = { retry: CI ? 1 : 0, allowOnly: !CI, pool: 'forks' as const }

/**
 * Projects: `unit` needs nothing but Node; `sim` runs seeded simulations; `loopback` opens real sockets on
 * loopback (QUIC, HTTP, embedded database); `servers` needs Redis and Postgres; `e2e` drives whole gateways,
 * `browser` needs chromium. Files choose their project by suffix: `x.test.ts`, `x.sim.test.ts`, …
 */
export default defineConfig({
  test: {
    // On two cores vitest would use one of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{sim,loopback,servers,e2e,browser}.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      { test: { ...shared, name: 'sim', include: ['test/**/*.sim.test.ts'], testTimeout: 120_000 } },
      {
        test: { ...shared, name: 'loopback', include: ['test/**/*.loopback.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      { test: { ...shared, name: 'servers', include: ['test/**/*.servers.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 } },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      { test: { ...shared, name: 'browser', include: ['test/**/*.browser.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 } },
    ],
  },
})
