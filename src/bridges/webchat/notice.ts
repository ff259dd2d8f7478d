import { sanitizeName, sanitizeRich } from '../format/sanitize.ts'
import type { Notice, OutFile } from '../interaction.ts'
import type { WireNotice } from './protocol.ts'
import { runsOf } from './wire.ts'

const MAX_TITLE = 256
const MAX_LABEL = 80
const MAX_ROWS = 5
const MAX_FILES = 10
const MAX_METERS = 25

/** A notice as pages show it; `keep` answers the path under which a file can be fetched. */
export function wireNotice(notice: Notice, keep: (file: OutFile) => string): WireNotice {
  const actions = (notice.actions ?? []).slice(0, MAX_ROWS).map((row) =>
    row.map((action) => {
      const label = sanitizeName(action.label, MAX_LABEL)
      if ('url' in action) return { label, url: action.url }
      return { label, id: action.id, ...(action.style !== undefined && { style: action.style }) }
    }),
  )
  const files = (notice.files ?? []).slice(0, MAX_FILES).map((file) => ({
    name: sanitizeName(file.name, 120),
    mime: file.mime,
    size: file.size,
    path: keep(file),
  }))
  const meters = (notice.meters ?? []).slice(0, MAX_METERS).map(({ label, done, total, text }) => ({
    label: sanitizeName(label, MAX_LABEL),
    done,
    total,
    text: sanitizeName(text, MAX_LABEL),
  }))
  return {
    ...(notice.title !== undefined && { title: sanitizeName(notice.title, MAX_TITLE) }),
    text: runsOf(sanitizeRich(notice.rich)),
    ...(actions.length > 0 && { actions }),
    ...(files.length > 0 && { files }),
    ...(meters.length > 0 && { meters }),
  }
}
