/**
 * A copy with memory of its own. What is kept must not hold on to the frame it came in, nor to a block of Node's pool, of
 * which the smallest buffer keeps all 64 KiB.
 */
export function ownBytes(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
