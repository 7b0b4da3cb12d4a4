module.exports = {
  testEnvironment: 'jsdom',
  // jsdom counts as a browser, for which `ws` has nothing.
  testEnvironmentOptions: { customExportConditions: ['node', 'node-addons'] },
  rootDir: __dirname,
  testTimeout: 120000,
}
