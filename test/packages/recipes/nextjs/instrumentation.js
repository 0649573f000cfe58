/** A store for `next dev` that keeps its data, without a service to start. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs' || process.env.REDIS_URL) return;
  const { createServer } = await import('respite');
  const server = await createServer({ dir: '.data', config: { appendonly: 'yes' } });
  process.env.REDIS_URL = server.url;
}
