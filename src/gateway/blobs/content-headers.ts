/** Types that show nothing active when a browser opens them; everything else is sent as bytes. */
const PASSIVE = new Set([
  'application/pdf',
  'application/zip',
  'audio/aac',
  'audio/flac',
  'audio/mpeg',
  'audio/mp4',
  'audio/ogg',
  'audio/wav',
  'image/avif',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'text/plain',
  'video/mp4',
  'video/ogg',
  'video/webm',
])

/** Characters RFC 5987 lets stand unescaped (attr-char). */
const KEPT = /[A-Za-z0-9!#$&+.^_`|~-]/

/** A `Content-Type` that no browser runs: HTML, SVG, XML and scripts become bytes. */
export function safeContentType(mime: string | undefined): string {
  const type = (mime ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return PASSIVE.has(type) ? type : 'application/octet-stream'
}

/** `attachment` with the name in ASCII for old readers and in full for all others (RFC 6266, RFC 5987). */
export function attachmentHeader(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/["\\%]/g, '_')
  const plain = `attachment; filename="${ascii}"`
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${percent(name)}`
}

function percent(name: string): string {
  let out = ''
  for (const byte of Buffer.from(name, 'utf8')) {
    const c = String.fromCharCode(byte)
    out += byte < 0x80 && KEPT.test(c) ? c : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
