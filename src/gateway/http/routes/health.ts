import { Hono } from 'hono'
import type { Control } from '../control.ts'

/** `/health/live`: the loop runs. `/health/ready`: every part works; 503 with the reasons otherwise. */
export function healthRoutes(control: Pick<Control, 'health'>): Hono {
  return new Hono()
    .get('/live', (c) => c.json({ status: 'ok' }))
    .get('/ready', (c) => {
      const parts = control.health()
      const failed = parts.some((p) => p.health.status === 'failed')
      const degraded = parts.some((p) => p.health.status === 'degraded')
      return c.json({ status: failed ? 'failed' : degraded ? 'degraded' : 'ok', parts }, failed ? 503 : 200)
    })
}
