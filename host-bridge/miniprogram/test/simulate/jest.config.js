module.exports = {
  testEnvironment: 'jsdom',
  // jsdom counts as a browser, for which `ws` has nothing.
  testEnvironmentOptions: { customExportConditions: ['node', 'node-addons'] },
  rootDir: __dirname,
  transform: { '/miniprogram-api-promise/': '<rootDir>/es_module.js' },
  transformIgnorePatterns: [],
  testTimeout: 120000,
}
