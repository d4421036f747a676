# Asks for pages over TLS: PORT VERSION CONNECTIONS EACH, once a line was read.
require 'net/http'
require 'openssl'

port, version, connections, each = ARGV
number = { '1.2' => OpenSSL::SSL::TLS1_2_VERSION, '1.3' => OpenSSL::SSL::TLS1_3_VERSION }[version]
$stdin.gets
connections.to_i.times do
  http = Net::HTTP.new('localhost', port.to_i)
  http.use_ssl = true
  http.verify_mode = OpenSSL::SSL::VERIFY_NONE
  http.min_version = http.max_version = number
  http.start do
    each.to_i.times { |n| raise unless http.get("/page/#{n}").code == '200' }
  end
end
