import { Redis } from 'ioredis';

export const dynamic = 'force-dynamic';

let redis;

export async function GET() {
  redis ??= new Redis(process.env.REDIS_URL);
  return Response.json(await redis.incr('visits'));
}
