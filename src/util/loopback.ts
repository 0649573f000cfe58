/** Which peers are on this machine. */

/** Whether an address, as Node gives it, is a loopback one (IPv4, IPv6 or IPv4-mapped). */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
