const { Redis } = require('ioredis');

const redis = new Redis(process.env.REDIS_URL);

async function saveUser({ id, name }) {
  await redis.hset(`user:${id}`, { name });
  await redis.expire(`user:${id}`, 3600);
}

module.exports = { redis, saveUser };
