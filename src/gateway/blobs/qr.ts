import QRCode from 'qrcode'
import { K2Error } from '../../base/errors.ts'

/** What fits into the largest code with the weakest correction, bytes. */
export const MAX_QR_BYTES = 2953
/** Blank modules around the code that readers need. */
const MARGIN = 4
/** Pixels of a module: the smallest code is 232 pixels wide. */
const PNG_SCALE = 8

/** Long texts get the weakest correction, so that modules stay large enough for cameras. */
function optionsFor(text: string): { margin: number; errorCorrectionLevel: 'L' | 'M' } {
  const bytes = Buffer.byteLength(text)
  if (bytes === 0 || bytes > MAX_QR_BYTES) {
    throw new K2Error({
      code: 'BLOB_QR_SIZE',
      kind: 'input',
      message: `a QR code holds 1 to ${MAX_QR_BYTES} bytes, this text has ${bytes}`,
    })
  }
  return { margin: MARGIN, errorCorrectionLevel: bytes > 300 ? 'L' : 'M' }
}

/** PNG file. Throws `BLOB_QR_SIZE`, as do the others. */
export async function qrPng(text: string): Promise<Uint8Array> {
  return new Uint8Array(await QRCode.toBuffer(text, { ...optionsFor(text), type: 'png', scale: PNG_SCALE }))
}

export async function qrSvg(text: string): Promise<string> {
  return QRCode.toString(text, { ...optionsFor(text), type: 'svg' })
}

/** Half-block characters, two modules to a line, dark on light whatever the terminal's colours. */
export async function qrTerminal(text: string): Promise<string> {
  const { margin, errorCorrectionLevel } = optionsFor(text)
  const { modules } = QRCode.create(text, { errorCorrectionLevel })
  const quiet = margin / 2
  const dark = (row: number, column: number): boolean =>
    row >= 0 && column >= 0 && row < modules.size && column < modules.size && modules.get(row, column) !== 0
  const lines: string[] = []
  for (let row = -quiet; row < modules.size + quiet; row += 2) {
    let line = ''
    for (let column = -quiet; column < modules.size + quiet; column++) {
      const [top, bottom] = [dark(row, column), dark(row + 1, column)]
      line += top ? (bottom ? ' ' : '▄') : bottom ? '▀' : '█'
    }
    // White on black explicitly: printed the other way round, many readers fail.
    lines.push(`\u001b[97;40m${line}\u001b[0m`)
  }
  return lines.join('\n')
}
