run ->(env) { [200, {'content-type' => 'text/plain', 'content-length' => '3'}, ['hey']] }
