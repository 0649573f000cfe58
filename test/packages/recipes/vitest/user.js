import { Redis } from 'ioredis';

export const redis = new Redis(process.env.REDIS_URL);

export async function saveUser({ id, name }) {
  await redis.hset(`user:${id}`, { name });
  await redis.expire(`user:${id}`, 3600);
}
